"""Gradient noise: the variance of per-sample rows relative to the norm of their mean.

g is the expected row and Σ the covariance of a single sample's row.
"""

from typing import NamedTuple

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence, SampleRows
from rl.gradients.probes.pairs import quotient

_ROUNDING = 1e-12
"""Ratio of variance to μ² below which a coordinate counts as constant: float32 rounding alone produces as much."""


class Noise(NamedTuple):
    """Unbiased estimates from one update, which may be negative; [] float32 each."""

    square_norm: tf.Tensor
    """The estimate of |g|², the squared norm of the expected row."""
    trace: tf.Tensor
    """The estimate of tr Σ, the summed variances of a single sample's row."""


def noise(small: tf.Tensor, large: tf.Tensor, *, small_batch: tf.Tensor, large_batch: tf.Tensor) -> Noise:
    """Estimates |g|² and tr Σ from the squared norms of rows of two batch sizes b < B.

    |g|² = (B n_B² − b n_b²) / (B − b),   tr Σ = (n_b² − n_B²) / (1/b − 1/B)
    (McCandlish et al. 2018, appendix A, arXiv:1812.06162)

    Args:
        small: n_b², [] float, the mean squared norm of rows of b samples.
        large: n_B², [] float, that of rows of B samples.
        small_batch, large_batch: b and B, [] float.
    Returns: two [] float.
    """
    square = (large_batch * large - small_batch * small) / (large_batch - small_batch)
    return Noise(square, (small - large) / (1.0 / small_batch - 1.0 / large_batch))


def mean_square(samples: SampleRows) -> tf.Tensor:
    """The mean of |g_n|² over the valid samples' rows g_n, []; 0 if none is valid."""
    squares = tf.reduce_sum(tf.square(samples.rows), 1)
    return tf.reduce_sum(samples.weights * squares) / tf.maximum(tf.reduce_sum(samples.weights), 1.0)


def gradient_signal_to_noise(samples: SampleRows) -> tf.Tensor:
    """GSNR: the mean over coordinates j of μ_j² / σ_j² (Liu et al. 2020, arXiv:2001.07384), [] float32.

    μ_j is the mean and σ_j² the variance of coordinate j over the n valid samples. Coordinates that vary by no more
    than float32 rounding are left out, and the result is 0 if none remains. Pure noise gives about 1/n, not 0.
    """
    weights = samples.weights[:, None]
    count = tf.maximum(tf.reduce_sum(weights), 1.0)
    mean = tf.reduce_sum(weights * samples.rows, 0) / count
    variance = tf.reduce_sum(weights * tf.square(samples.rows - mean), 0) / tf.maximum(count - 1.0, 1.0)
    varies = variance > _ROUNDING * tf.square(mean)
    ratios = tf.where(varies, tf.square(mean) / tf.where(varies, variance, 1.0), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(ratios), tf.reduce_sum(tf.cast(varies, tf.float32)))


def sample_noise(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The noise of each objective's row: |g|², tr Σ, their ratio at the minibatch's size, and GSNR.

    noise/<objective>/square_norm, noise/<objective>/trace   unbiased estimates of |g|² and tr Σ
    snr/<objective>    |g|² / (tr Σ / B), the signal-to-noise ratio of the minibatch's row; NaN without noise
    gsnr/<objective>   see `gradient_signal_to_noise`

    The noise scale tr Σ / |g|² is not among them: a ratio of two noisy estimates is biased, so it is computed from
    running averages of the two.
    """
    numbers = {}
    for name, samples in evidence.samples.items():
        batch = samples.batch_size
        parts = noise(mean_square(samples), samples.square_norm, small_batch=tf.ones(()), large_batch=batch)
        numbers[f"gradient/noise/{name}/square_norm"] = parts.square_norm
        numbers[f"gradient/noise/{name}/trace"] = parts.trace
        numbers[f"gradient/snr/{name}"] = quotient(parts.square_norm * batch, parts.trace)
        numbers[f"gradient/gsnr/{name}"] = gradient_signal_to_noise(samples)
    return numbers
