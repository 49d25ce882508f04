"""The 10 × 10 grid of MinAtar's games; row 0 is on top, column 0 on the left."""

import numpy as np
import tensorflow as tf

SIZE = 10
ROWS = np.arange(SIZE, dtype=np.int32)[:, None]
"""The row of every cell, [10, 1] int32."""
COLUMNS = np.arange(SIZE, dtype=np.int32)
"""The column of every cell, [10] int32."""


def cell(y: tf.Tensor | int, x: tf.Tensor | int) -> tf.Tensor:
    """A grid that is true at row y and column x alone.

    Args: y, x: [N] int32 each, or one int for all environments.
    Returns: [N, 10, 10] bool; all false if y or x is outside the grid.
    """
    y, x = (number if isinstance(number, int) else number[:, None, None] for number in (y, x))
    return (y == ROWS) & (x == COLUMNS)


def picture(*channels: tf.Tensor) -> tf.Tensor:
    """The frame with one channel per grid.

    Args: channels: C grids, [N, 10, 10] bool each.
    Returns: [N, 10, 10, C] float32, 0 or 1.
    """
    return tf.cast(tf.stack(channels, -1), tf.float32)
