"""Concatenation whose derivatives of every order can be batched over runs.

TensorFlow's own gradient of a concatenation is a slice, and the slice's, within an XLA program, an operation that
`tf.vectorized_map` cannot batch. Here the two are each other's gradients.
"""

from collections.abc import Sequence

import tensorflow as tf


def joined(tensors: Sequence[tf.Tensor], axis: int = -1) -> tf.Tensor:
    """The tensors, alike but in this axis, concatenated along it."""
    sizes = [tensor.shape[axis] for tensor in tensors]

    @tf.custom_gradient
    def whole(*tensors):
        def gradient(upstream):
            """∂/∂tensors."""
            return parted(upstream, sizes, axis)

        return tf.concat(tensors, axis), gradient

    return whole(*tensors)


def parted(tensor: tf.Tensor, sizes: Sequence[int], axis: int = -1) -> list[tf.Tensor]:
    """The inverse of `joined`: pieces of these sizes."""

    @tf.custom_gradient
    def pieces(tensor):
        def gradient(*upstream):
            """∂/∂tensor."""
            return joined(upstream, axis)

        return tf.split(tensor, sizes, axis), gradient

    return pieces(tensor)
