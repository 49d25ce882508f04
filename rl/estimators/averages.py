"""Averages over the valid entries of a batch.

An entry is invalid where a vector environment in autoreset mode NEXT_STEP spent a step on a reset and took no action.
In every function `x` and `valid` have the same shape, `valid` is a float mask of 0 and 1, and results of shape [] are 0
if no entry is valid. An invalid entry affects neither a result nor its gradient, even if it is NaN or infinite.
"""

import tensorflow as tf

_ROUNDING = 1e-12
"""Ratio of variance to mean square below which entries count as equal: the remainder is float32 rounding."""


def masked_mean(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The mean of the valid entries, Σ valid·x / Σ valid, []; gradients flow only to valid entries of x."""
    return tf.reduce_sum(_zero_where_invalid(x, valid)) / tf.maximum(tf.reduce_sum(valid), 1.0)


def masked_variance(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The population variance of the valid entries (division by their number n, not n − 1), []; gradients flow to x."""
    return masked_mean(tf.square(_centred(x, valid)), valid)


def standardize(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Subtracts the mean of the valid entries and divides by their population standard deviation; [...] → [...].

    Invalid entries become 0; all entries become 0 if the valid ones are equal up to float32 rounding. There is no
    epsilon, so standardize(a x + b) = sign(a) standardize(x) at every scale whose squares are float32 numbers, |x| from
    1e−16 to 1e18. Gradients flow to x, including through the mean and the standard deviation.
    """
    centred = _centred(x, valid)
    variance = masked_mean(tf.square(centred), valid)
    varies = _varies(variance, x, valid)
    return tf.where(varies & (valid > 0), centred / tf.sqrt(tf.where(varies, variance, 1.0)), tf.zeros_like(x))


def explained_variance(v: tf.Tensor, target: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The fraction of the targets' variance that the values explain, 1 − Var(target − v) / Var(target), [].

    It is 1 for a perfect prediction, 0 for one as good as a constant and negative for a worse one; 0 if Var(target) is
    0 up to float32 rounding. A constant offset between v and target does not lower it.
    """
    variance = masked_variance(target, valid)
    varies = _varies(variance, target, valid)
    unexplained = masked_variance(target - v, valid) / tf.where(varies, variance, tf.ones_like(variance))
    return tf.where(varies, 1.0 - unexplained, tf.zeros_like(variance))


def _varies(variance: tf.Tensor, x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Whether the variance of the entries x exceeds float32 rounding, [] bool."""
    return variance > _ROUNDING * masked_mean(tf.square(_zero_where_invalid(x, valid)), valid)


def _centred(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """x minus its mean, subtracted twice: a rounded mean leaves a common remainder on equal entries."""
    x = _zero_where_invalid(x, valid)
    x -= masked_mean(x, valid)
    return x - masked_mean(x, valid)


def _zero_where_invalid(x: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """x with invalid entries set to 0, ahead of any function whose gradient there would be 0 · NaN."""
    return tf.where(valid > 0, x, tf.zeros_like(x))
