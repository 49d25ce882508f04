"""What an agent is made of: phases, which say from which data, and updates, which say what moves the weights."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.environments import Environment
from rl.frozen import FrozenState, Schedule
from rl.gradients import LIVE, Objective, Roles
from rl.gradients.rows import Weights
from rl.networks import ActorCriticNetwork, Head
from rl.sources import Source
from rl.spaces import Spaces

Batch = Any  # a named tuple of tensors with a leading axis of samples
Diagnostics = dict[str, tf.Tensor]  # {tag: [] float32}


class Update(NamedTuple):
    """Objectives that move the weights together, by one update rule."""

    name: str
    objectives: tuple[Objective, ...]
    groups: Mapping[str, tuple[str, ...]]
    """{group: its objectives}: what the combiner treats as one row."""
    losses: Callable[[Roles, Batch], tuple[dict[str, tf.Tensor], Diagnostics]]
    """{objective: [] loss} of a settled minibatch, a deterministic function of the weights, and numbers worth
    logging.
    """
    at: str = LIVE
    """The role at whose weights gradients are taken; the losses see them as `live`."""
    through: tuple[str, ...] = ()
    """Roles of frozen copies through which a gradient flows beside that at the live weights."""
    every_rounds: int = 1
    """It is made in round 0 of a phase and in every `every_rounds`-th after it."""


class Phase(NamedTuple):
    """A source of data, and the updates made from each of its minibatches, in order."""

    name: str
    source: Source
    prepare: Callable[[Roles, Any], tuple[Batch, Diagnostics]]
    """From what the source gives, a trajectory (normalised already) or kept batches, to the samples to learn from."""
    settle: Callable[[Batch, tf.Tensor], Batch]
    """(minibatch, seed [2]) → the minibatch as the losses take it: what its samples take from one another (standardised
    advantages), and all that is random in it.
    """
    updates: tuple[Update, ...]
    stop: Callable[[Diagnostics], tf.Tensor]
    """Whether to leave out this round and the rest of the phase, [] bool."""
    every_iterations: int = 1
    """It is executed in every `every_iterations`-th iteration."""
    starts_at: int = 0
    """Iterations before the first in which it may be executed."""

    @property
    def is_always_due(self) -> bool:
        """Whether it is executed in every iteration."""
        return self.every_iterations == 1 and self.starts_at == 0

    def is_due(self, iteration: tf.Tensor) -> tf.Tensor:
        """Whether it is executed in an iteration, counted from 0, [] bool."""
        done = iteration + 1 - self.starts_at
        return (done > 0) & tf.equal(done % self.every_iterations, 0)


class Agent(Protocol):
    """One file an agent: its heads, phases and frozen copies."""

    rollout_length: int
    """Steps of every environment in an iteration."""
    gamma: float
    """Discount per step."""
    frozen_roles: tuple[str, ...]
    """The frozen copies that its objectives are made with."""

    acts_with: str = LIVE
    """The role whose weights act in training: `live`, or a frozen copy."""

    def extras(self, model: ActorCriticNetwork, policy: tf.Tensor, action: Any) -> Any:
        """What the trajectory keeps of acting beside the actions, a nest of [N, ...]; nothing, by default.

        policy: [N, P], as `policy` gave it.
        """
        return ()

    def heads(self, spaces: Spaces) -> Mapping[str, Head]:
        """{name: head} that the network is to have, `policy` among them."""

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError where a copy that the agent needs is missing or moves in a way that it cannot use."""

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The parameters [N, P] of the distribution to act from."""

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """What is learnt from a trajectory of the environment, in order."""


def roles_of(weights: Weights, frozen: Mapping[str, FrozenState]) -> dict[str, Weights]:
    """The live weights and those of all frozen copies, by role."""
    return {LIVE: weights, **{role: copy.weights for role, copy in frozen.items()}}
