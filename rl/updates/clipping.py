"""Clipping of gradients, as pure functions on tuples of tensors."""

from typing import NamedTuple

import tensorflow as tf

from rl.vectors import sum_of_squares

Tensors = tuple[tf.Tensor, ...]


class Clipped(NamedTuple):
    """The result of clipping by global norm."""

    gradients: Tensors
    """The clipped gradients."""
    norm: tf.Tensor
    """The global norm before clipping, []."""
    factor: tf.Tensor
    """min(1, clip_norm/|g|), [] in [0, 1]; 1 if nothing was clipped."""


def global_norm(tensors: Tensors) -> tf.Tensor:
    """The L2 norm of all tensors taken as one vector, []; NaN or infinite if an entry is."""
    return tf.sqrt(sum_of_squares(tensors))


def clip_by_global_norm(gradients: Tensors, *, clip_norm: float | None) -> Clipped:
    """g · min(1, clip_norm/|g|), with the norm |g| over all tensors together (Pascanu et al. 2013, algorithm 1).

    The direction is preserved, and clipping is idempotent.

    Args: clip_norm: the largest norm, > 0; None does not clip.
    """
    norm = global_norm(gradients)
    if clip_norm is None:
        return Clipped(gradients, norm, tf.ones_like(norm))
    factor = clip_norm / tf.maximum(norm, clip_norm)
    return Clipped(tuple(gradient * factor for gradient in gradients), norm, factor)


def clip_by_value(gradients: Tensors, *, clip_value: float | None) -> Tensors:
    """Every entry of the gradients clipped to ± clip_value; the direction changes.

    Args: clip_value: the largest magnitude of an entry, > 0; None does not clip.
    """
    if clip_value is None:
        return gradients
    return tuple(tf.clip_by_value(gradient, -clip_value, clip_value) for gradient in gradients)
