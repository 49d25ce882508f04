"""What every agent answers."""

from collections.abc import Mapping
from typing import Any, Protocol

import tensorflow as tf

from rl.agents.phase import Phase, Roles
from rl.environments import Environment
from rl.frozen import Schedule
from rl.gradients import LIVE
from rl.gradients.rows import Weights
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.spaces import Spaces


class Agent(Protocol):
    """An agent: its heads, phases and frozen copies."""

    rollout_length: int
    """Steps per environment and iteration."""
    ticks: int = 1
    """How often acting and learning alternate in an iteration; above 1 only for agents that learn from memory."""
    gamma: float
    """Discount factor per step, in [0, 1]."""
    frozen_roles: tuple[str, ...]
    """The roles of the frozen copies that its objectives use."""

    acts_with: str = LIVE
    """The role whose weights act in training: `live`, or a frozen copy."""

    def noise(self, model: ActorCriticNetwork, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """The random numbers of acting, [*shape, ...] float32; by default those of the action distribution.

        Args: seed: [2] int; shape: (T, N) for a whole rollout, (N,) for one step.
        """
        return model.distribution.noise(shape, seed)

    def act(
        self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, noise: tf.Tensor, step: tf.Tensor
    ) -> tuple[Any, tf.Tensor]:
        """The actions that act in training, and the parameters of the distribution, [N, ...] and [N, P].

        By default the actions are samples of the distribution.

        Args: observation: [N, ...]; noise: one step of `noise`, [N, ...]; step: environment steps done, [] float32.
        """
        policy = self.policy(model, weights, observation)
        return model.distribution.sample(policy, noise), policy

    def extras(self, model: ActorCriticNetwork, policy: tf.Tensor, action: Any, step: tf.Tensor) -> Any:
        """What the trajectory keeps of acting in addition to the actions, a nest of [N, ...]; nothing by default.

        Args: policy, action: as `act` returned them; step: environment steps done, [] float32.
        """
        return ()

    def heads(self, spaces: Spaces) -> Mapping[str, Head]:
        """The heads of the network, {name: head}; `policy` must be among them."""

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError if a frozen copy that the agent needs is missing or has an unsuitable schedule."""

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The parameters [N, P] of the action distribution at observations [N, ...]."""

    def one_step_reads(self, model: ActorCriticNetwork) -> Mapping[str, tuple[str, ...]]:
        """{role: parts} by which the one-step error is differentiated, for `live` and `target`."""
        return dict.fromkeys((LIVE, "target"), model.network.reads["value"])

    def one_step_error(self, model: ActorCriticNetwork, roles: Roles, batch: Any) -> tf.Tensor:
        """δ = r + γ v̄(s') − v(s), [B], for the probe `through_target`; no gradient is stopped.

        Args: roles: v is at the role `live`, v̄ at `target`; batch: a settled minibatch.
        """

        def value(weights: Weights, observation: tf.Tensor) -> tf.Tensor:
            """The values [B] of observations [B, ...]."""
            return model.network.apply(weights, {OBSERVATION: observation}, ("value",))["value"][:, 0]

        after = value(roles["target"], batch.next_observation)
        return batch.reward + batch.discount * after - value(roles[LIVE], batch.observation)

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """The phases of an iteration, in order."""
