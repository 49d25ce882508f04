"""Dormant and dead units."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence

_DORMANT = 0.025
_CONSTANT = 1e-6


def silent_units(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The shares of dormant and dead units in every layer before the heads, in [0, 1], over the minibatch.

    dormant   mean |h| is at most τ = 0.025 of the layer's mean (Sokar et al. 2023, arXiv:2302.12902)
    dead      h is the same for all samples, to 1e−6 of its size: a ReLU unit that is never active, or a saturated unit

    h is a unit's activation. A convolution's units are its filters.
    """
    numbers = {}
    for layer, activations in evidence.activations.items():
        flat = tf.reshape(activations, (-1, activations.shape[-1]))
        numbers[f"representation/dormant/{layer}"] = dormant(flat, threshold=_DORMANT)
        numbers[f"representation/dead/{layer}"] = dead(flat)
    return numbers


def dormant(activations: tf.Tensor, *, threshold: float) -> tf.Tensor:
    """The share of units whose mean |h| over the batch is at most τ times the mean over all units.

    Args:
        activations: h, [B, units].
        threshold: τ ≥ 0.
    Returns: [] float32; 1 if all activations are 0.
    """
    scores = tf.reduce_mean(tf.abs(activations), 0)
    return tf.reduce_mean(tf.cast(scores <= threshold * tf.reduce_mean(scores), tf.float32))


def dead(activations: tf.Tensor) -> tf.Tensor:
    """The share of units whose activation is constant over the batch, to 1e−6 of its largest magnitude.

    Args: activations: h, [B, units].
    Returns: [] float32.
    """
    spread = tf.reduce_max(activations, 0) - tf.reduce_min(activations, 0)
    size = tf.reduce_max(tf.abs(activations), 0)
    return tf.reduce_mean(tf.cast(spread <= _CONSTANT * size, tf.float32))
