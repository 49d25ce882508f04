"""Bias and variance of a row against the true one."""

from typing import NamedTuple

import tensorflow as tf


class Deviation(NamedTuple):
    """How far the mean of N rows is from the truth; [] each, in units of the rows squared."""

    squared_bias: tf.Tensor
    standard_error: tf.Tensor
    """Of `squared_bias`."""
    variance: tf.Tensor


def deviation(rows: tf.Tensor, true: tf.Tensor) -> Deviation:
    """What of |ḡ − g|² is bias, and what is chance, from N ≥ 3 independent rows g_n with mean ḡ.

    variance = Σ_n |g_n − ḡ|² / (N (N − 1))             the sum of the variances of ḡ's coordinates
    squared_bias = |ḡ − g|² − variance                  = the mean of <g_i − g, g_j − g> over all pairs i ≠ j

    Both are unbiased: their averages over repetitions are |E ḡ − g|² and E |ḡ − E ḡ|². A single squared_bias may
    therefore be negative. Its standard error is the jackknife's, which is never too small on average (Efron & Stein
    1981); without bias it is about √2 times too large.

    Args: rows: [N, P], true: [P].
    """
    count = rows.shape[0]
    error = tf.cast(rows, tf.float64) - tf.cast(true, tf.float64)
    mean = tf.reduce_mean(error, 0)
    variance = tf.reduce_sum(tf.square(error - mean)) / (count * (count - 1))
    squared_bias = tf.reduce_sum(tf.square(mean)) - variance
    # <g_n − g, g_j − g>, averaged over j ≠ n.
    of_each = (count * tf.linalg.matvec(error, mean) - tf.reduce_sum(tf.square(error), 1)) / (count - 1)
    spread = tf.reduce_sum(tf.square(of_each - squared_bias)) * (count - 1) / count
    return Deviation(squared_bias, 2 / (count - 2) * tf.sqrt(spread), variance)
