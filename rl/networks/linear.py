"""Linear layers with an orthogonal initial kernel, and a faster one for few outputs."""

import keras
import tensorflow as tf

_MAX_COLUMNS = 8  # largest number of outputs for which column by column is faster
_WIDE = 256  # number of features from which a sum of products is faster than a matrix-vector product


class FewOutputs(keras.layers.Dense):
    """A linear layer y = x W + b with few outputs, computed column by column; see `few_columns`."""

    def call(self, features):
        """[B, F] → [B, units]."""
        return few_columns(features, tf.convert_to_tensor(self.kernel)) + self.bias


def few_columns(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The product [B, F] · [F, n] for a small n, column by column, [B, n].

    Its gradient is faster than a matrix product's: for 256 samples, 64 features and 2 columns XLA takes 15 µs on a CPU
    for the kernel's gradient as a transposed matrix product, and less than 3 µs column by column. From 256 features on
    a column is a sum of products: with it a layer of 256 units and its head of one take 451 µs, forward and backward,
    for 256 samples on two threads, and with a matrix-vector product 548 µs (minima of 9).
    """
    columns = tf.unstack(kernel, axis=-1)
    if kernel.shape[0] < _WIDE:
        return tf.stack([tf.linalg.matvec(features, column) for column in columns], -1)
    return tf.stack([tf.reduce_sum(features * column, -1) for column in columns], -1)


def linear(units: int, name: str, *, gain: float, seed: int, bias: float = 0.0) -> keras.layers.Dense:
    """A linear layer with an orthogonal kernel; a `FewOutputs` layer for at most eight outputs.

    Args:
        units: number of outputs.
        gain, seed: of the orthogonal kernel.
        bias: the initial bias of every output.
    """
    kind = FewOutputs if units <= _MAX_COLUMNS else keras.layers.Dense
    return kind(
        units,
        name=name,
        kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed),
        bias_initializer=keras.initializers.Constant(bias),
    )
