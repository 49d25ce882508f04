"""Clipping of gradients: pure functions on tuples of tensors."""

from typing import NamedTuple

import tensorflow as tf

Tensors = tuple[tf.Tensor, ...]


class Clipped(NamedTuple):
    """The gradients after clipping, their norm before, and the factor by which the norm was cut (1: not at all)."""

    gradients: Tensors
    norm: tf.Tensor
    factor: tf.Tensor


def global_norm(tensors: Tensors) -> tf.Tensor:
    """The Euclidean norm of all tensors as one vector, []."""
    return tf.norm(tf.concat([tf.reshape(tensor, (-1,)) for tensor in tensors], 0))


def clip_by_global_norm(gradients: Tensors, *, clip_norm: float | None) -> Clipped:
    """g · min(1, clip_norm/|g|), |g| over all tensors together (Pascanu et al. 2013, algorithm 1); None does not
    clip.
    """
    norm = global_norm(gradients)
    if clip_norm is None:
        return Clipped(gradients, norm, tf.ones_like(norm))
    factor = clip_norm / tf.maximum(norm, clip_norm)
    return Clipped(tuple(gradient * factor for gradient in gradients), norm, factor)


def clip_by_value(gradients: Tensors, *, clip_value: float | None) -> Tensors:
    """Every entry cut to ± clip_value; None does not clip. The direction changes."""
    if clip_value is None:
        return gradients
    return tuple(tf.clip_by_value(gradient, -clip_value, clip_value) for gradient in gradients)
