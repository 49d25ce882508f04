"""Averages over the valid entries of a batch.

An entry is not valid where a vector environment in autoreset mode NEXT_STEP spent a step on a reset: no action was
taken.
"""

import tensorflow as tf


def masked_mean(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Σ valid·x / Σ valid; 0 where nothing is valid. An invalid entry has no influence, not even as NaN.

    Args: x and valid of one shape; valid is 0 or 1, float.
    """
    return tf.reduce_sum(tf.where(valid > 0, x, tf.zeros_like(x))) / tf.maximum(tf.reduce_sum(valid), 1.0)


def masked_variance(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The population variance of the valid entries."""
    return masked_mean(tf.square(_centred(x, valid)), valid)


def standardize(x: tf.Tensor, valid: tf.Tensor, *, epsilon: float) -> tf.Tensor:
    """(x − mean) / (standard deviation + epsilon) over the valid entries."""
    return _centred(x, valid) / (tf.sqrt(masked_variance(x, valid)) + epsilon)


def explained_variance(v: tf.Tensor, target: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """1 − Var(target − v) / Var(target): 1 is perfect, 0 as good as a constant, below 0 worse. 0 if Var(target) is
    0.
    """
    variance = masked_variance(target, valid)
    varies = variance > 1e-12 * masked_mean(tf.square(target), valid)  # below that it is float32 rounding
    return tf.where(varies, 1.0 - masked_variance(target - v, valid) / tf.maximum(variance, 1e-30), 0.0)


def _centred(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """x less its mean; twice, since a rounded mean would leave equal numbers a common remainder."""
    x -= masked_mean(x, valid)
    return x - masked_mean(x, valid)
