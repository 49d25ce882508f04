"""What every agent answers."""

from collections.abc import Mapping
from typing import Any, Protocol

import tensorflow as tf

from rl.agents.phase import Phase
from rl.environments import Environment
from rl.frozen import Schedule
from rl.gradients import LIVE
from rl.gradients.rows import Weights
from rl.networks import ActorCriticNetwork, Head
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

    def extras(self, model: ActorCriticNetwork, policy: tf.Tensor, action: Any) -> Any:
        """What the trajectory keeps of acting in addition to the actions, a nest of [N, ...]; nothing by default.

        Args: policy: [N, P], the output of `policy`; action: [N, ...], the actions drawn from it.
        """
        return ()

    def sample(self, model: ActorCriticNetwork, policy: tf.Tensor, noise: tf.Tensor, step: tf.Tensor) -> Any:
        """The actions that act in training, [N, ...]; by default a sample of the action distribution.

        Args: policy: [N, P], the output of `policy`; noise: [N, ...]; step: environment steps done, [] float32.
        """
        return model.distribution.sample(policy, noise)

    def heads(self, spaces: Spaces) -> Mapping[str, Head]:
        """The heads of the network, {name: head}; `policy` must be among them."""

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError if a frozen copy that the agent needs is missing or has an unsuitable schedule."""

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The parameters [N, P] of the action distribution at observations [N, ...]."""

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """The phases of an iteration, in order."""
