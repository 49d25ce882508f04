"""The sum and the mean of the rows, the reference for every other combiner."""

from collections.abc import Sequence

import tensorflow as tf

from rl.errors import require
from rl.settings import Number, settings
from rl.updates.combiners.combiner import Combiner


@settings
class Sum(Combiner):
    """The sum of the rows, or a weighted sum.

    The rows include the objectives' coefficients, so w = 1 gives the gradient of the usual total loss, in one backward
    pass.
    """

    row_weights: Sequence[Number] | None
    """w, one number per row in the order of `agent.groups`; None for 1 each."""

    def __post_init__(self):
        if self.row_weights is not None:
            object.__setattr__(self, "row_weights", tuple(self.row_weights))

    @property
    def is_sum(self) -> bool:
        """Whether all weights are 1, so that no rows are needed."""
        return self.row_weights is None or all(w == 1.0 for w in self.row_weights)

    def init(self, num_rows: int) -> tuple:
        """No state. Raises: ConfigError if the number of weights is not the number of rows."""
        given = num_rows if self.row_weights is None else len(self.row_weights)
        require(
            given == num_rows,
            f"combiner.row_weights has {given} entries, but there are {num_rows} rows (one a group of agent.groups).",
        )
        return ()

    def weights(self, gramian, losses, state, seed):
        """`row_weights`, or 1 each, whatever the Gramian; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        return tf.constant(self.row_weights or (1.0,) * num_rows, tf.float64), state


@settings
class Mean(Combiner):
    """The mean of the rows, w = 1/k: the sum's direction at 1/k of its length.

    The heads' gradients are not divided by k, so the two also differ in direction under clipping by global norm.
    """

    def weights(self, gramian, losses, state, seed):
        """1/k each, whatever the Gramian; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        return tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64)), state
