"""Cosine and norm ratio of two vectors on the same weights."""

import tensorflow as tf

from rl.gradients.gramian import Row


def cosine_and_ratio(one: Row, other: Row) -> tuple[tf.Tensor, tf.Tensor]:
    """The cosine of two rows and the ratio of their norms, computed in float64.

    Args: one, other: tuples of tensors of the same shapes.
    Returns: (cosine, NaN if either row is zero; |one| / |other|, NaN if `other` is zero), [] float64 each.
    """
    a, b = (tf.concat([tf.reshape(tf.cast(x, tf.float64), (-1,)) for x in row], 0) for row in (one, other))
    square_a, square_b = tf.reduce_sum(tf.square(a)), tf.reduce_sum(tf.square(b))
    cosine = quotient(tf.reduce_sum(a * b), tf.sqrt(square_a) * tf.sqrt(square_b))
    return cosine, quotient(tf.sqrt(square_a), tf.sqrt(square_b))


def quotient(numerator: tf.Tensor, denominator: tf.Tensor) -> tf.Tensor:
    """numerator / denominator, elementwise, NaN where the denominator is 0.

    NaN leaves a gap in a plot, where 0 or infinity would be read as a measurement.

    Args: both of the same shape and dtype.
    """
    known = denominator != 0
    nan = tf.fill(tf.shape(numerator), tf.constant(float("nan"), numerator.dtype))
    return tf.where(known, numerator / tf.where(known, denominator, tf.ones_like(denominator)), nan)
