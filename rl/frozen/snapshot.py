"""A snapshot: a copy taken before an iteration, or before one of its phases."""

import tensorflow as tf

from rl.frozen.never import Never
from rl.frozen.schedule import FrozenState, Weights
from rl.settings import settings


@settings
class Snapshot(Never):
    """The behaviour policy: copies the live weights at the start of each iteration, or before a named phase."""

    before: str | None = None
    """The phase; None for the start of each iteration."""

    def at_iteration(self, copy: FrozenState, live: Weights) -> FrozenState:
        """The live weights, at age 0."""
        return FrozenState(tf.nest.map_structure(tf.stop_gradient, live), tf.zeros_like(copy.age))
