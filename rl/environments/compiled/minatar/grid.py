"""The 10 × 10 grid that every game of MinAtar is played on."""

import numpy as np
import tensorflow as tf

SIZE = 10
ROWS = np.arange(SIZE, dtype=np.int32)[:, None]
COLUMNS = np.arange(SIZE, dtype=np.int32)


def cell(y: tf.Tensor | int, x: tf.Tensor | int) -> tf.Tensor:
    """[N, 10, 10] bool, true at row y and column x alone; each [N] int32, or a number that is the same for all."""
    y, x = (number if isinstance(number, int) else number[:, None, None] for number in (y, x))
    return (y == ROWS) & (x == COLUMNS)


def picture(*channels: tf.Tensor) -> tf.Tensor:
    """[N, 10, 10, C] float32, 0 or 1, from C grids [N, 10, 10] bool."""
    return tf.cast(tf.stack(channels, -1), tf.float32)
