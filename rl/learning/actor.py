"""The actor: from observations to actions, with explicit weights."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl import inputs
from rl.agents import Agent
from rl.environments import Environment
from rl.gradients.rows import Weights
from rl.learning.normalization import Normalizer, NormalizerState
from rl.learning.rollout import Acted
from rl.networks import ActorCriticNetwork
from rl.schedules import at_step
from rl.spaces import spec


class Acting(NamedTuple):
    """The part of a `TrainState` that acting depends on."""

    weights: Weights
    """{part: tensors}, of the live network or of a frozen copy."""
    normalizer: NormalizerState
    """The statistics that normalise the observations; acting does not change them."""
    hyperparameters: dict[str, tf.Tensor]
    """{config key: [] float32}."""
    step: tf.Tensor
    """Environment steps done, [] float32; scheduled hyperparameters depend on it."""


class Actor:
    """An agent's policy as pure functions of its weights. Training, evaluation and videos all act through it.

    N is the number of environments. The functions are about one run; `Axis.each` batches them over several.
    """

    def __init__(self, agent: Agent, model: ActorCriticNetwork, normalizer: Normalizer):
        """
        Args:
            agent: reads the action distribution's parameters off the network.
            model: the network and the action distribution.
            normalizer: scales observations before the network.
        """
        self._agent, self._model, self._normalizer = agent, model, normalizer
        self._extras: dict[int, Any] = {}

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Draws the noise from which `act` samples actions.

        Args:
            seed: [2] int.
            shape: leading axes: (T, N) for a whole rollout, (N,) for one step.
        Returns: [*shape, ...] float32, as the action distribution needs it.
        """
        return self._agent.noise(self._model, seed, shape)

    def act(self, acting: Acting, observation: tf.Tensor, noise: tf.Tensor) -> Acted:
        """Samples the actions in N environments, a deterministic function of its arguments.

        Args:
            observation: [N, ...], as the environments return it, not normalised.
            noise: [N, ...], one step of `noise`.
        Returns: the actions, and the extras that the agent records with them.
        """
        agent, seen = self._now(acting, observation)
        action, policy = agent.act(self._model, acting.weights, seen, noise, acting.step)
        return Acted(action, agent.extras(self._model, policy, action, acting.step))

    def extras_spec(self, environment: Environment, length: int) -> Any:
        """The TensorSpecs [T, N, ...] of the agent's extras in a rollout of T = `length` steps.

        They are found by tracing the agent's function once for each number of environments; nothing is executed.
        """
        num_envs = environment.num_envs
        if num_envs not in self._extras:
            policy = tf.TensorSpec((num_envs, self._model.network.widths["policy"]), tf.float32)
            traced = tf.function(functools.partial(self._agent.extras, self._model), autograph=False)
            action = spec(environment.action_space, num_envs)
            function = traced.get_concrete_function(policy, action, tf.TensorSpec((), tf.float32))
            self._extras[num_envs] = function.structured_outputs
        return tf.nest.map_structure(lambda x: tf.TensorSpec((length, *x.shape), x.dtype), self._extras[num_envs])

    def greedy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        """The most likely actions [N, ...] at observations [N, ...], for evaluation; they need no noise."""
        agent, seen = self._now(acting, observation)
        return self._model.distribution.mode(agent.policy(self._model, acting.weights, seen))

    def _now(self, acting: Acting, observation: tf.Tensor) -> tuple[Agent, tf.Tensor]:
        """The agent with hyperparameters at their current values, and the normalised observations [N, ...]."""

        def now(part, path):
            """The settings object with the hyperparameters below its config key, at the current environment step."""
            return at_step(inputs.with_inputs(part, inputs.below(path, acting.hyperparameters)), acting.step)

        seen = now(self._normalizer, "normalize").observation(acting.normalizer, observation)
        return now(self._agent, "agent"), seen
