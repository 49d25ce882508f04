"""When a frozen copy moves. A schedule is a pure function from (copy, live weights) to the new copy.

`at_iteration` is asked once before an iteration's updates (or before one phase of it), `after_update` after each update
(or each of one name). The age of a copy is the mean number of these updates since its numbers were live: 0 when just
synchronised, and for a Polyak average the mean age of what was averaged.
"""

from typing import Annotated, ClassVar, NamedTuple, Protocol

import tensorflow as tf
from pydantic import Field

from rl.inputs import INPUT
from rl.settings import PositiveInteger, PositiveNumber, settings

Weights = dict[str, tuple[tf.Tensor, ...]]


class FrozenState(NamedTuple):
    """A copy's weights and its age in updates, [] float32."""

    weights: Weights
    age: tf.Tensor


class Schedule(Protocol):
    """What a schedule answers. No gradient flows into what it returns."""

    before: str | None
    """The phase before which `at_iteration` is asked; None asks it before an iteration's first phase."""
    after: str | None
    """The update after which `after_update` is asked; None asks it after every update."""

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The copy at the start of an iteration."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The copy after update `num_updates` of those it follows ([] int64, 1 is the first), which made `live`."""


@settings
class Never:
    """An anchor: stays what it was at the start."""

    before: ClassVar[str | None] = None
    after: ClassVar[str | None] = None

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """Unchanged."""
        return copy

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """Unchanged, one update older."""
        return FrozenState(copy.weights, copy.age + 1.0)


@settings
class Snapshot(Never):
    """The behaviour policy: takes the live weights at the start of each iteration, or before a phase is executed."""

    before: str | None = None

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The live weights."""
        return FrozenState(tf.nest.map_structure(tf.stop_gradient, live), tf.zeros_like(copy.age))


@settings
class Hard(Never):
    """A target that takes the live weights every so many updates (Mnih et al. 2015)."""

    every_updates: PositiveInteger
    after: str | None = None

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The live weights where num_updates is a multiple of `every_updates`."""
        due = tf.equal(num_updates % self.every_updates, 0)
        weights = tf.nest.map_structure(lambda old, new: tf.where(due, tf.stop_gradient(new), old), copy.weights, live)
        return FrozenState(weights, tf.where(due, 0.0, copy.age + 1.0))


@settings
class Polyak(Never):
    """A slow target, θ̄ ← (1 − τ) θ̄ + τ θ after each update (Lillicrap et al. 2016, algorithm 1)."""

    tau: Annotated[PositiveNumber, Field(le=1), INPUT]
    after: str | None = None

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """A step of τ towards the live weights; exactly they where τ = 1."""
        weights = tf.nest.map_structure(
            lambda old, new: (1.0 - self.tau) * old + self.tau * tf.stop_gradient(new), copy.weights, live
        )
        return FrozenState(weights, (1.0 - self.tau) * (copy.age + 1.0))
