"""The parts of an agent: phases, which define the data, and updates, which define what moves the weights.

In each iteration the due phases run in order; a phase makes its updates from each minibatch of its source.
"""

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
    """{group: its objectives}; the combiner treats a group as one row."""
    losses: Callable[[Roles, Batch], tuple[dict[str, tf.Tensor], Diagnostics]]
    """(roles, settled minibatch) → ({objective: [] loss}, diagnostics to log). Losses are a deterministic function of
    the weights.
    """
    at: str = LIVE
    """The role at whose weights gradients are taken; the losses receive these weights as `live`."""
    through: tuple[str, ...] = ()
    """Roles of frozen copies through which a gradient flows in addition to that at the live weights."""
    every_rounds: int = 1
    """The update is made in round 0 of a phase and in every `every_rounds`-th round after it."""


class Phase(NamedTuple):
    """A source of data, and the updates made from each of its minibatches, in order."""

    name: str
    source: Source
    prepare: Callable[[Roles, Any], tuple[Batch, Diagnostics]]
    """(roles, data of the source) → (samples to learn from, diagnostics to log). The data is a normalised trajectory or
    kept batches.
    """
    settle: Callable[[Batch, tf.Tensor], Batch]
    """(minibatch, seed [2]) → the minibatch that the losses receive. It computes what depends on a minibatch as a whole
    (standardised advantages) and draws all random numbers.
    """
    updates: tuple[Update, ...]
    stop: Callable[[Diagnostics], tf.Tensor]
    """Diagnostics → whether to skip this round and the rest of the phase, [] bool."""
    every_iterations: int = 1
    """The phase is executed in every `every_iterations`-th iteration."""
    starts_at: int = 0
    """Number of iterations at the start of training in which the phase is never executed."""

    @property
    def is_always_due(self) -> bool:
        """Whether the phase is executed in every iteration."""
        return self.every_iterations == 1 and self.starts_at == 0

    def is_due(self, iteration: tf.Tensor) -> tf.Tensor:
        """Whether the phase is executed in an iteration, counted from 0, [] bool."""
        done = iteration + 1 - self.starts_at
        return (done > 0) & tf.equal(done % self.every_iterations, 0)


class Agent(Protocol):
    """An agent: its heads, phases and frozen copies."""

    rollout_length: int
    """Steps per environment and iteration."""
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

    def heads(self, spaces: Spaces) -> Mapping[str, Head]:
        """The heads of the network, {name: head}; `policy` must be among them."""

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError if a frozen copy that the agent needs is missing or has an unsuitable schedule."""

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The parameters [N, P] of the action distribution at observations [N, ...]."""

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """The phases of an iteration, in order."""


def roles_of(weights: Weights, frozen: Mapping[str, FrozenState]) -> dict[str, Weights]:
    """The live weights and those of all frozen copies, by role."""
    return {LIVE: weights, **{role: copy.weights for role, copy in frozen.items()}}
