"""PPO's surrogate loss, and how far the policy is from the one that acted."""

import math

import tensorflow as tf


def clipped_surrogate_loss(log_ratio: tf.Tensor, advantage: tf.Tensor, *, clip: float) -> tf.Tensor:
    """−min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), ρ = π(a|s)/π_old(a|s)    (Schulman et al. 2017, eq. 7, arXiv:1707.06347)

    Args:
        log_ratio: [B], log ρ; 0 at the behaviour policy.
        advantage: [B]; no gradient flows through it.
        clip: ε > 0.
    Returns: [B]. The gradient with respect to log_ratio is −ρ A, and 0 where the clipped term is the smaller one
        (ρ > 1 + ε with A > 0, ρ < 1 − ε with A < 0). Loss and gradient are infinite where ρ overflows float32 and
        A < 0, since that side is not clipped.
    """
    advantage, ratio = tf.stop_gradient(advantage), tf.exp(tf.stop_gradient(log_ratio))
    clipped = tf.clip_by_value(ratio, 1.0 - clip, 1.0 + clip) * advantage
    constant = (clipped < ratio * advantage) | (advantage == 0)
    # Where the clipped term is chosen, exp is taken at 0: at log ρ it may overflow, with the gradient 0 · ∞.
    surrogate = tf.exp(tf.where(constant, tf.zeros_like(log_ratio), log_ratio)) * advantage
    return -tf.where(constant, clipped, surrogate)


def clip_fraction(log_ratio: tf.Tensor, *, clip: float) -> tf.Tensor:
    """1 where the ratio ρ lies outside [1 − ε, 1 + ε], else 0, [B] float; its mean is PPO's clip fraction.

    A sample outside counts whatever its advantage, even if the loss is not clipped there.

    Args:
        log_ratio: [B], log ρ.
        clip: ε > 0.
    """
    return tf.cast(tf.abs(tf.exp(log_ratio) - 1.0) > clip, log_ratio.dtype)


def approximate_kl(log_ratio: tf.Tensor) -> tf.Tensor:
    """(ρ − 1) − log ρ ≥ 0, an unbiased estimate of KL(π_old, π) from each sample of π_old (Schulman 2020, "k3").

    Args: log_ratio: [B], log ρ = log π(a|s) − log π_old(a|s).
    Returns: [B] in nats; +∞ for log ρ = ±∞ (an action that one of the two policies cannot take) and where ρ overflows
        float32.
    """
    below = log_ratio < math.inf
    finite = tf.where(below, log_ratio, tf.zeros_like(log_ratio))
    return tf.where(below, tf.math.expm1(finite) - finite, log_ratio)
