"""Only one row moves the shared weights."""

import tensorflow as tf

from rl.errors import require
from rl.settings import NonNegativeInteger, settings
from rl.updates.combiners.combiner import Combiner


@settings
class Only(Combiner):
    """w = 1 for one row and 0 for the others: the same as a stop-gradient before the other heads.

    The heads of the other rows still learn, on features that only this row shapes.
    """

    row: NonNegativeInteger
    """Index of the row in `agent.groups`, from 0."""

    def init(self, num_rows: int) -> tuple:
        """No state. Raises: ConfigError if `row` is not below the number of rows."""
        require(
            0 <= self.row < num_rows,
            f"combiner.row is {self.row}; it must be from 0 to {num_rows - 1}, a row's place in agent.groups.",
        )
        return ()

    def check(self, rows, groups):
        """See `Combiner.check`: the row at this place must be that of the group at this place."""
        named = groups[self.row : self.row + 1]
        require(
            rows[self.row : self.row + 1] == named,
            f"combiner.row is {self.row}, the group {', '.join(named)} of agent.groups, which does not reach the "
            f"shared weights; those that do are {', '.join(rows)}: choose another combiner.",
        )

    def weights(self, gramian, losses, state, seed):
        """The unit vector of the row, [k] float64; see `Combiner.weights`."""
        return tf.one_hot(self.row, gramian.shape[-1], dtype=tf.float64), state
