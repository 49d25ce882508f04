"""Units that have stopped to say anything."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence

_DORMANT = 0.025
_STILL = 1e-6


def silent_units(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Shares of the units of every layer before the heads, over the minibatch.

    dormant   mean |h| at most τ = 0.025 of the layer's mean (Sokar et al. 2023, arXiv:2302.12902)
    dead      h is the same for all samples, to 1e−6 of its size: a rectified unit that is always off, a saturated one

    A convolution's units are its filters.
    """
    numbers = {}
    for layer, activations in evidence.activations.items():
        flat = tf.reshape(activations, (-1, activations.shape[-1]))
        numbers[f"representation/dormant/{layer}"] = dormant(flat, threshold=_DORMANT)
        numbers[f"representation/dead/{layer}"] = dead(flat)
    return numbers


def dormant(activations: tf.Tensor, *, threshold: float) -> tf.Tensor:
    """The share of units whose mean |h| is at most `threshold` times the mean over units; [B, units] → []."""
    scores = tf.reduce_mean(tf.abs(activations), 0)
    return tf.reduce_mean(tf.cast(scores <= threshold * tf.reduce_mean(scores), tf.float32))


def dead(activations: tf.Tensor) -> tf.Tensor:
    """The share of units that do not vary; [B, units] → []."""
    spread = tf.reduce_max(activations, 0) - tf.reduce_min(activations, 0)
    size = tf.reduce_max(tf.abs(activations), 0)
    return tf.reduce_mean(tf.cast(spread <= _STILL * size, tf.float32))
