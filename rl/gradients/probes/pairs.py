"""Two vectors on the same weights, beside each other."""

import tensorflow as tf

from rl.gradients.gramian import Row


def cosine_and_ratio(one: Row, other: Row) -> tuple[tf.Tensor, tf.Tensor]:
    """The cosine of two rows, NaN where one is zero, and |one| / |other|, 0 where the other is zero; [] float64."""
    a, b = (tf.concat([tf.reshape(tf.cast(x, tf.float64), (-1,)) for x in row], 0) for row in (one, other))
    square_a, square_b = tf.reduce_sum(tf.square(a)), tf.reduce_sum(tf.square(b))
    cosine = tf.reduce_sum(a * b) / tf.sqrt(square_a * square_b)
    return cosine, tf.math.divide_no_nan(tf.sqrt(square_a), tf.sqrt(square_b))
