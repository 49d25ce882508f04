"""Two vectors on the same weights, beside each other."""

import tensorflow as tf

from rl.gradients.gramian import Row


def cosine_and_ratio(one: Row, other: Row) -> tuple[tf.Tensor, tf.Tensor]:
    """The cosine of two rows, NaN where one is zero, and |one| / |other|, NaN where the other is; [] float64."""
    a, b = (tf.concat([tf.reshape(tf.cast(x, tf.float64), (-1,)) for x in row], 0) for row in (one, other))
    square_a, square_b = tf.reduce_sum(tf.square(a)), tf.reduce_sum(tf.square(b))
    cosine = quotient(tf.reduce_sum(a * b), tf.sqrt(square_a) * tf.sqrt(square_b))
    return cosine, quotient(tf.sqrt(square_a), tf.sqrt(square_b))


def quotient(numerator: tf.Tensor, denominator: tf.Tensor) -> tf.Tensor:
    """numerator / denominator, NaN where the latter is 0: neither 0, which would be read as a finding, nor infinite."""
    known = denominator != 0
    nan = tf.fill(tf.shape(numerator), tf.constant(float("nan"), numerator.dtype))
    return tf.where(known, numerator / tf.where(known, denominator, tf.ones_like(denominator)), nan)
