"""What an agent learns: phases, which say from which data, and updates, which say what moves the weights."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from rl.frozen import FrozenState
from rl.gradients import LIVE, Objective, Roles
from rl.gradients.rows import Weights
from rl.sources import Source

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


def as_kept(roles: Roles, batch: Batch) -> tuple[Batch, Diagnostics]:  # noqa: ARG001
    """The data itself, for a source that keeps prepared batches."""
    return batch, {}


def unchanged(batch: Batch, seed: tf.Tensor) -> Batch:  # noqa: ARG001
    """The minibatch itself."""
    return batch


class Phase(NamedTuple):
    """A source of data, and the updates made from each of its minibatches, in order."""

    name: str
    source: Source
    updates: tuple[Update, ...]
    prepare: Callable[[Roles, Any], tuple[Batch, Diagnostics]] = as_kept
    """(roles, data of the source) → (samples to learn from, diagnostics to log). The data is a normalised trajectory or
    kept batches.
    """
    settle: Callable[[Batch, tf.Tensor], Batch] = unchanged
    """(minibatch, seed [2]) → the minibatch that the losses receive. It computes what depends on a minibatch as a whole
    (standardised advantages) and draws all random numbers.
    """
    stop: Callable[[Diagnostics], tf.Tensor] | None = None
    """Diagnostics → whether to skip this round and the rest of the phase, [] bool; None if that never happens."""
    errors: Callable[[Roles, Batch], tf.Tensor] | None = None
    """(roles, settled samples) → the errors' magnitudes, [B], by which a source may set priorities."""
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


def roles_of(weights: Weights, frozen: Mapping[str, FrozenState]) -> dict[str, Weights]:
    """The live weights and those of all frozen copies, by role."""
    return {LIVE: weights, **{role: copy.weights for role, copy in frozen.items()}}
