"""Rank and norm of the features."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.spectrum import singular_values

_THRESHOLD = 0.01


def representation(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Rank and norm of the features [B, F] that the heads read, over the minibatch.

    srank            the smallest k such that the k largest singular values make up 99 % of their sum
                     (Kumar et al. 2021 with δ = 0.01, arXiv:2010.14498)
    effective_rank   exp of the entropy of the singular values divided by their sum (Roy & Vetterli 2007)
    feature_norm     the mean L2 norm of a sample's features

    A falling rank means that the representation collapses; whether that explains a falling return is contested
    (Gulcehre et al. 2022, arXiv:2207.02099).
    """
    numbers = {}
    for part, features in evidence.features.items():
        values = singular_values(features)
        numbers[f"representation/srank/{part}"] = srank(values, threshold=_THRESHOLD)
        numbers[f"representation/effective_rank/{part}"] = effective_rank(values)
        numbers[f"representation/feature_norm/{part}"] = tf.reduce_mean(tf.norm(features, axis=-1))
    return numbers


def srank(values: tf.Tensor, *, threshold: float) -> tf.Tensor:
    """The smallest k with Σ_{i≤k} σ_i ≥ (1 − δ) Σ_i σ_i.

    Args:
        values: [F], the singular values in descending order.
        threshold: δ in (0, 1).
    Returns: [] float32; 0 where all values are 0.
    """
    total = tf.reduce_sum(values)
    short = tf.cumsum(values) < (1.0 - threshold) * total
    return tf.where(total > 0, tf.reduce_sum(tf.cast(short, tf.float32)) + 1.0, 0.0)


def effective_rank(values: tf.Tensor) -> tf.Tensor:
    """exp(−Σ_i p_i log p_i) with p_i = σ_i / Σ_j σ_j.

    Args: values: [F], the singular values.
    Returns: [] float32, from 1 to F; 0 where all values are 0.
    """
    total = tf.reduce_sum(values)
    shares = tf.math.divide_no_nan(values, total)
    entropy = -tf.reduce_sum(tf.math.xlogy(shares, shares))
    return tf.cast(tf.where(total > 0, tf.exp(entropy), tf.zeros_like(entropy)), tf.float32)
