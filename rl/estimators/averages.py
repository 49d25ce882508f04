"""Averages over the valid entries of a batch.

An entry is not valid where a vector environment in autoreset mode NEXT_STEP spent a step on a reset: no action was
taken.
"""

import tensorflow as tf

_ROUNDING = 1e-12
"""Of the mean square: a variance below it is float32 rounding, which is no spread."""


def masked_mean(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Σ valid·x / Σ valid; 0 where nothing is valid. An invalid entry has no influence, not even as NaN.

    Args: x and valid of one shape; valid is 0 or 1, float.
    """
    return tf.reduce_sum(_valid_alone(x, valid)) / tf.maximum(tf.reduce_sum(valid), 1.0)


def masked_variance(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The population variance of the valid entries; an invalid one reaches neither it nor its gradient."""
    return masked_mean(tf.square(_centred(x, valid)), valid)


def standardize(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """(x − mean) / (standard deviation) over the valid entries; 0 where they are equal to rounding, and where invalid.

    No epsilon: standardize(a x + b) = sign(a) standardize(x) at every scale whose squares float32 can hold, |x| from
    1e−16 to 1e18.
    """
    centred = _centred(x, valid)
    variance = masked_mean(tf.square(centred), valid)
    varies = _varies(variance, x, valid)
    return tf.where(varies & (valid > 0), centred / tf.sqrt(tf.where(varies, variance, 1.0)), tf.zeros_like(x))


def explained_variance(v: tf.Tensor, target: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """1 − Var(target − v) / Var(target): 1 is perfect, 0 as good as a constant, below 0 worse. 0 if Var(target) is 0
    to rounding.
    """
    variance = masked_variance(target, valid)
    varies = _varies(variance, target, valid)
    unexplained = masked_variance(target - v, valid) / tf.where(varies, variance, tf.ones_like(variance))
    return tf.where(varies, 1.0 - unexplained, tf.zeros_like(variance))


def _varies(variance: tf.Tensor, x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    return variance > _ROUNDING * masked_mean(tf.square(_valid_alone(x, valid)), valid)


def _centred(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """x less its mean; twice, since a rounded mean would leave equal numbers a common remainder."""
    x = _valid_alone(x, valid)
    x -= masked_mean(x, valid)
    return x - masked_mean(x, valid)


def _valid_alone(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """x with 0 in the place of what is invalid: before any function of it, whose gradient there would be 0 · NaN."""
    return tf.where(valid > 0, x, tf.zeros_like(x))
