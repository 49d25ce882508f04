"""What a schedule of a frozen copy is: a pure function from (copy, live weights) to the new copy.

`at_iteration` is called once before an iteration's updates, or before one phase of it; `after_update` is called after
each update, or each update of one name. The age of a copy is the number of these updates since its weights were live: 0
when just synchronised. A Polyak average has the mean age of the weights that it averages. No gradient flows into it.
"""

from typing import NamedTuple, Protocol

import tensorflow as tf

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
