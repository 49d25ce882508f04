"""Acting: from observations to actions, by a set of weights."""

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
    """What of a state acting takes; step: environment steps done, [] float32."""

    weights: Weights
    normalizer: NormalizerState
    hyperparameters: dict[str, tf.Tensor]
    step: tf.Tensor


class Actor:
    """An agent's policy as pure functions of its weights: what training, evaluation and videos act with."""

    def __init__(self, agent: Agent, model: ActorCriticNetwork, normalizer: Normalizer):
        self._agent, self._model, self._normalizer = agent, model, normalizer

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """The noise of `act`, with leading axes `shape`; seed: [2] int."""
        return self._model.distribution.noise(shape, seed)

    def act(self, acting: Acting, observation: tf.Tensor, noise: tf.Tensor) -> Acted:
        """The actions in N environments, and what the agent keeps of them; observation and noise [N, ...]."""
        policy = self._policy(acting, observation)
        action = self._model.distribution.sample(policy, noise)
        return Acted(action, self._agent.extras(self._model, policy, action))

    def extras_spec(self, environment: Environment, length: int) -> Any:
        """The specs of what is kept of a rollout of T steps, [T, N, ...]."""
        width, num_envs = self._model.network.widths["policy"], environment.num_envs
        policy, action = tf.TensorSpec((num_envs, width), tf.float32), spec(environment.action_space, num_envs)
        traced = tf.function(functools.partial(self._agent.extras, self._model), autograph=False)
        extras = traced.get_concrete_function(policy, action).structured_outputs
        return tf.nest.map_structure(lambda x: tf.TensorSpec((length, *x.shape), x.dtype), extras)

    def greedy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        """The most likely actions in N environments."""
        return self._model.distribution.mode(self._policy(acting, observation))

    def _policy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        def now(part, path):
            return at_step(inputs.with_inputs(part, inputs.below(path, acting.hyperparameters)), acting.step)

        seen = now(self._normalizer, "normalize").observation(acting.normalizer, observation)
        return now(self._agent, "agent").policy(self._model, acting.weights, seen)
