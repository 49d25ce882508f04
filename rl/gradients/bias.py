"""Bias and variance of sampled rows against the true gradient."""

from typing import NamedTuple

import tensorflow as tf


class Deviation(NamedTuple):
    """The error of the mean of N rows, split into bias and variance; [] float64 each, in units of the rows squared."""

    squared_bias: tf.Tensor
    """Unbiased estimate of |E ḡ − g|²; may be negative."""
    standard_error: tf.Tensor
    """The jackknife standard error of `squared_bias`."""
    variance: tf.Tensor
    """Unbiased estimate of E |ḡ − E ḡ|², the variance of the mean row."""


def deviation(rows: tf.Tensor, true: tf.Tensor) -> Deviation:
    """Splits |ḡ − g|² into squared bias and variance, from N ≥ 3 independent rows g_n with mean ḡ.

    variance = Σ_n |g_n − ḡ|² / (N (N − 1))             the sum of the variances of ḡ's coordinates
    squared_bias = |ḡ − g|² − variance                  = the mean of <g_i − g, g_j − g> over all pairs i ≠ j

    Both are unbiased: their expectations are |E ḡ − g|² and E |ḡ − E ḡ|². A single squared_bias may therefore be
    negative. Its standard error is the jackknife's, which is never too small on average (Efron & Stein 1981) and about
    √2 times too large if the bias is 0.

    Args:
        rows: [N, P], the sampled rows.
        true: [P], the true gradient g.
    Returns: bias, its standard error and variance, [] float64 each.
    """
    count = rows.shape[0]
    error = tf.cast(rows, tf.float64) - tf.cast(true, tf.float64)
    mean = tf.reduce_mean(error, 0)
    variance = tf.reduce_sum(tf.square(error - mean)) / (count * (count - 1))
    squared_bias = tf.reduce_sum(tf.square(mean)) - variance
    # <g_n − g, g_j − g>, averaged over j ≠ n.
    pair_means = (count * tf.linalg.matvec(error, mean) - tf.reduce_sum(tf.square(error), 1)) / (count - 1)
    spread = tf.reduce_sum(tf.square(pair_means - squared_bias)) * (count - 1) / count
    return Deviation(squared_bias, 2 / (count - 2) * tf.sqrt(spread), variance)
