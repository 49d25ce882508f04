"""What an agent is made of: phases of updates, each with its objectives."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.environments import Environment, Trajectory
from rl.frozen import FrozenState, Schedule
from rl.gradients.objective import Objective
from rl.gradients.rows import Weights
from rl.networks import ActorCriticNetwork

Frozen = Mapping[str, FrozenState]
Batch = Any  # a named tuple of tensors with a leading axis of samples
Diagnostics = dict[str, tf.Tensor]  # {tag: [] float32}


class Phase(NamedTuple):
    """A batch, its objectives, and how often it is gone through.

    PPO and A2C have one phase. Others fit the same form: PPG's auxiliary phase is a second one whose objectives are a
    value loss and a KL to a frozen anchor; SAC's critics, actor and temperature are three phases over one replayed
    batch, whose objectives read different parts.
    """

    name: str
    objectives: tuple[Objective, ...]
    groups: Mapping[str, tuple[str, ...]]
    """{group: its objectives}: what the combiner treats as one row."""
    epochs: int
    minibatches: int
    differentiate_at: str
    """`live`, or the role of the frozen copy at which the gradients are taken."""
    prepare: Callable[[Weights, Frozen, Trajectory], tuple[Batch, Diagnostics]]
    """From a trajectory (normalised already) to the samples to learn from."""
    settle: Callable[[Batch], Batch]
    """What the samples of a minibatch take from one another (standardised advantages), before any loss is taken."""
    losses: Callable[[Weights, Frozen, Batch], tuple[dict[str, tf.Tensor], Diagnostics]]
    """{objective: loss} of a settled minibatch as a function of the weights, and numbers worth logging. A loss is the
    mean of the samples' own, so that it can be taken of some of them as well."""
    through: str | None
    """The role of the frozen copy through which a gradient flows beside that at the live weights: objectives read its
    parts as `<role>/<part>`."""
    stop: Callable[[Diagnostics], tf.Tensor]
    """Whether to leave out this update and the rest of the phase, [] bool."""


class Agent(Protocol):
    """One file an agent: its objectives and its frozen copies."""

    rollout_length: int
    """Steps of every environment in an iteration."""
    gamma: float
    """Discount per step."""
    detached_heads: tuple[str, ...]
    """Heads beside policy and value that the network is to have; their gradients do not reach the torso."""

    frozen_roles: tuple[str, ...]
    """The frozen copies that its objectives are made with."""

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError where a copy that the agent needs is missing or moves in a way that it cannot use."""

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The parameters [N, P] of the distribution to act from."""

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """What is learnt from a trajectory of the environment, in order."""
