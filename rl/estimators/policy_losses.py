"""Losses of the policy, one number a sample: the caller averages them over what is valid."""

import math

import tensorflow as tf


def policy_gradient_loss(log_prob: tf.Tensor, advantage: tf.Tensor) -> tf.Tensor:
    """−log π(a|s) A, whose gradient is the policy gradient (Williams 1992; Sutton et al. 2000, theorem 1).

    Args: both [B]; no gradient flows through the advantage.
    Returns: [B].
    """
    return -log_prob * tf.stop_gradient(advantage)


def clipped_surrogate_loss(log_ratio: tf.Tensor, advantage: tf.Tensor, *, clip: float) -> tf.Tensor:
    """−min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), ρ = π(a|s)/π_old(a|s)    (Schulman et al. 2017, eq. 7, arXiv:1707.06347)

    Args:
        log_ratio: [B], log ρ.
        advantage: [B]; no gradient flows through it.
        clip: ε > 0.
    Returns: [B]; where a ratio beyond float32 counts, A < 0, loss and gradient are infinite.
    """
    advantage, ratio = tf.stop_gradient(advantage), tf.exp(tf.stop_gradient(log_ratio))
    clipped = tf.clip_by_value(ratio, 1.0 - clip, 1.0 + clip) * advantage
    constant = (clipped < ratio * advantage) | (advantage == 0)
    # Where the exponential does not count it is not taken: it may be infinite, and its gradient 0 · ∞.
    surrogate = tf.exp(tf.where(constant, tf.zeros_like(log_ratio), log_ratio)) * advantage
    return -tf.where(constant, clipped, surrogate)


def clip_fraction(log_ratio: tf.Tensor, *, clip: float) -> tf.Tensor:
    """1 where the ratio lies outside the clip range, [B] float."""
    return tf.cast(tf.abs(tf.exp(log_ratio) - 1.0) > clip, log_ratio.dtype)


def approximate_kl(log_ratio: tf.Tensor) -> tf.Tensor:
    """(ρ − 1) − log ρ: an unbiased, never negative estimate of KL(π_old, π) per sample (Schulman 2020, "k3").

    +∞ for log ρ = ±∞, an action that one of the two cannot take, and where ρ is beyond float32.
    """
    below = log_ratio < math.inf
    finite = tf.where(below, log_ratio, tf.zeros_like(log_ratio))
    return tf.where(below, tf.math.expm1(finite) - finite, log_ratio)
