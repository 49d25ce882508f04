"""An anchor: a copy that never moves."""

from typing import ClassVar

import tensorflow as tf

from rl.frozen.schedule import FrozenState, Weights
from rl.settings import settings


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
