"""Is the answer noise? The spread of single samples' rows beside their mean."""

from typing import NamedTuple

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence, SampleRows
from rl.gradients.probes.pairs import quotient

_ROUNDING = 1e-12
"""Of μ²: the variance of equal float32 numbers, which would be divided by."""


class Noise(NamedTuple):
    """Unbiased estimates of |g|² and of tr Σ, the expected row's square and one sample's variance; [] float32 each."""

    square_norm: tf.Tensor
    trace: tf.Tensor


def noise(small: tf.Tensor, large: tf.Tensor, *, small_batch: tf.Tensor, large_batch: tf.Tensor) -> Noise:
    """|g|² and tr Σ from the mean squared norms of rows of two batch sizes.

    |g|² = (B n_B² − b n_b²) / (B − b),   tr Σ = (n_b² − n_B²) / (1/b − 1/B)
    (McCandlish et al. 2018, appendix A, arXiv:1812.06162)

    Args: [] float; small: n_b², the mean over rows of b samples; large: n_B².
    """
    square = (large_batch * large - small_batch * small) / (large_batch - small_batch)
    return Noise(square, (small - large) / (1.0 / small_batch - 1.0 / large_batch))


def mean_square(samples: SampleRows) -> tf.Tensor:
    """The mean of |g_n|² over the valid samples, []."""
    squares = tf.reduce_sum(tf.square(samples.rows), 1)
    return tf.reduce_sum(samples.weights * squares) / tf.maximum(tf.reduce_sum(samples.weights), 1.0)


def gradient_signal_to_noise(samples: SampleRows) -> tf.Tensor:
    """GSNR: the mean over coordinates of μ_j² / σ_j² (Liu et al. 2020, arXiv:2001.07384), among those that vary by more
    than float32 rounding, [].

    From n samples; pure noise has 1/n on average.
    """
    weights = samples.weights[:, None]
    count = tf.maximum(tf.reduce_sum(weights), 1.0)
    mean = tf.reduce_sum(weights * samples.rows, 0) / count
    variance = tf.reduce_sum(weights * tf.square(samples.rows - mean), 0) / tf.maximum(count - 1.0, 1.0)
    varies = variance > _ROUNDING * tf.square(mean)
    ratios = tf.where(varies, tf.square(mean) / tf.where(varies, variance, 1.0), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(ratios), tf.reduce_sum(tf.cast(varies, tf.float32)))


def sample_noise(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Of every objective: |g|² and tr Σ, the signal-to-noise ratio |g|² / (tr Σ / B) of the minibatch's row, and GSNR.

    Without noise the ratio is NaN.

    The noise scale tr Σ / |g|² itself is made from averages of its two parts, since a ratio of two noisy numbers is
    biased.
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
