"""Concatenation whose derivatives of every order can be batched over runs.

TensorFlow's own gradient of a concatenation is a slice, and the slice's, within an XLA program, an operation that
`tf.vectorized_map` cannot batch. Here the two are each other's gradients.
"""

import tensorflow as tf


@tf.custom_gradient
def joined(*tensors: tf.Tensor):
    """The tensors [..., n_i] concatenated along the last axis, [..., Σ n_i]."""
    sizes = [tensor.shape[-1] for tensor in tensors]

    def gradient(upstream: tf.Tensor):
        """∂/∂tensors."""
        return parted(upstream, sizes)

    return tf.concat(tensors, -1), gradient


def parted(tensor: tf.Tensor, sizes: list[int]) -> list[tf.Tensor]:
    """The inverse of `joined`: pieces [..., n_i] of a tensor [..., Σ n_i]."""

    @tf.custom_gradient
    def pieces(tensor):
        def gradient(*upstream):
            """∂/∂tensor."""
            return joined(*upstream)

        return tf.split(tensor, sizes, -1), gradient

    return pieces(tensor)
