"""Schedules of frozen copies. A schedule is a pure function from (copy, live weights) to the new copy.

`at_iteration` is called once before an iteration's updates, or before one phase of it; `after_update` is called after
each update, or each update of one name. The age of a copy is the number of these updates since its weights were live: 0
when just synchronised. A Polyak average has the mean age of the weights that it averages. No gradient flows into it.
"""

from typing import Annotated, ClassVar, NamedTuple, Protocol

import tensorflow as tf
from pydantic import Field

from rl.inputs import INPUT
from rl.settings import PositiveInteger, PositiveNumber, settings

Weights = dict[str, tuple[tf.Tensor, ...]]


class FrozenState(NamedTuple):
    """The state of a frozen copy."""

    weights: Weights
    """{part: tensors}."""
    age: tf.Tensor
    """Age in updates, [] float32."""


class Schedule(Protocol):
    """When and how a frozen copy moves: two pure functions that return the new copy."""

    before: str | None
    """The phase before which `at_iteration` is called; None: before the first phase of an iteration."""
    after: str | None
    """The update after which `after_update` is called; None: after every update."""

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The copy at the start of an iteration's updates; `live` are the weights before the first of them."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The copy after an update.

        Args:
            copy: before the update.
            live: {part: tensors}, the weights after it.
            num_updates: [] int64, the number of updates so far that the copy follows, this one included.
        """


@settings
class Never:
    """An anchor: keeps the initial weights."""

    before: ClassVar[str | None] = None
    after: ClassVar[str | None] = None

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The copy, unchanged."""
        return copy

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The same weights, one update older."""
        return FrozenState(copy.weights, copy.age + 1.0)


@settings
class Snapshot(Never):
    """The behaviour policy: copies the live weights at the start of each iteration, or before a named phase."""

    before: str | None = None
    """The phase; None for the start of each iteration."""

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The live weights, at age 0."""
        return FrozenState(tf.nest.map_structure(tf.stop_gradient, live), tf.zeros_like(copy.age))


@settings
class Hard(Never):
    """A target that copies the live weights after every n-th update (Mnih et al. 2015)."""

    every_updates: PositiveInteger
    """n, in updates; 1 keeps the target equal to the live weights."""
    after: str | None = None
    """The update that it follows; None for every update."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The live weights at age 0 where n divides num_updates, else the same weights one update older."""
        due = tf.equal(num_updates % self.every_updates, 0)
        weights = tf.nest.map_structure(lambda old, new: tf.where(due, tf.stop_gradient(new), old), copy.weights, live)
        return FrozenState(weights, tf.where(due, 0.0, copy.age + 1.0))


@settings
class Polyak(Never):
    """A slowly moving target, θ̄ ← (1 − τ) θ̄ + τ θ after each update (Lillicrap et al. 2016, algorithm 1)."""

    tau: Annotated[PositiveNumber, Field(le=1), INPUT]
    """τ in (0, 1]; the averaging horizon is about 1/τ updates."""
    after: str | None = None
    """The update that it follows; None for every update."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The average after the update, at age (1 − τ) (age + 1); exactly the live weights if τ = 1."""
        weights = tf.nest.map_structure(
            lambda old, new: (1.0 - self.tau) * old + self.tau * tf.stop_gradient(new), copy.weights, live
        )
        return FrozenState(weights, (1.0 - self.tau) * (copy.age + 1.0))
