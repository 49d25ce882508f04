"""One row moves the shared weights, the others do not."""

import tensorflow as tf

from rl.errors import require
from rl.settings import NonNegativeInteger, settings
from rl.updates.combiners.combiner import Combiner


@settings
class Only(Combiner):
    """w = 1 for one row and 0 for the rest: what a stop-gradient before the other heads does."""

    row: NonNegativeInteger

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError where there is no such row."""
        require(
            0 <= self.row < num_rows,
            f"combiner.row is {self.row}; allowed is 0 to {num_rows - 1}, a place in agent.groups.",
        )
        return ()

    def weights(self, gramian, losses, state, seed):
        """A unit vector; see `Combiner.weights`."""
        return tf.one_hot(self.row, gramian.shape[-1], dtype=tf.float64), state
