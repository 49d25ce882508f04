"""The weighted sum: what everyone does."""

from collections.abc import Sequence

import tensorflow as tf

from rl.errors import require
from rl.settings import Number, settings
from rl.updates.combiners.combiner import Combiner


@settings
class Sum(Combiner):
    """w_g given, 1 if not: with the objectives' coefficients in the rows this is the gradient of the usual total
    loss.
    """

    row_weights: Sequence[Number] | None

    def __post_init__(self):
        if self.row_weights is not None:
            object.__setattr__(self, "row_weights", tuple(self.row_weights))

    @property
    def is_sum(self) -> bool:
        """Whether all weights are 1."""
        return self.row_weights is None or all(w == 1.0 for w in self.row_weights)

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError where the number of weights is not the number of rows."""
        given = num_rows if self.row_weights is None else len(self.row_weights)
        require(
            given == num_rows,
            f"combiner.row_weights has {given} entries, but there are {num_rows} rows (one a group of agent.groups).",
        )
        return ()

    def weights(self, gramian, losses, state, seed):
        """The constants; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        return tf.constant(self.row_weights or (1.0,) * num_rows, tf.float64), state


@settings
class Mean(Combiner):
    """w_g = 1/k: the sum's direction at 1/k of its length."""

    def weights(self, gramian, losses, state, seed):
        """1/k each; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        return tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64)), state
