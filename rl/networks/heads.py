"""Heads: from features to the parameters of a policy, or to a value."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

_FEW = 8


class Head(NamedTuple):
    """A head that an agent asks for.

    layer: makes its layer from a seed; None for `policy` and `value`, which the network's own settings describe. torso:
    whose torso it reads where policy and value have one each. detached: whether its gradient stops before the torso.
    """

    layer: Callable[[int], keras.Layer] | None = None
    torso: str = "value"
    detached: bool = False


class FewOutputs(keras.layers.Dense):
    """A linear layer with few outputs: a matrix-vector product for each.

    It is the gradients that gain: for 256 samples, 64 features and 2 outputs XLA takes 15 µs on a CPU for the kernel's
    as a transposed matrix product, and less than 3 for it column by column.
    """

    def call(self, features):
        """[B, F] → [B, units]."""
        kernel = tf.convert_to_tensor(self.kernel)
        columns = [tf.linalg.matvec(features, kernel[:, output]) for output in range(self.units)]
        return tf.stack(columns, -1) + self.bias


class GaussianParameters(keras.layers.Layer):
    """Means [B, d] from the features, and log standard deviations that do not depend on them: [B, 2d]."""

    def __init__(self, num_dimensions: int, *, gain: float, seed: int, initial_log_std: float):
        super().__init__(name="gaussian")
        self.num_dimensions, self.initial_log_std = num_dimensions, initial_log_std
        self.mean = linear(num_dimensions, "mean", gain=gain, seed=seed)

    def build(self, input_shape):
        """Adds the log standard deviations."""
        self.mean.build(input_shape)
        initial = keras.initializers.Constant(self.initial_log_std)
        self.log_std = self.add_weight(name="log_std", shape=(self.num_dimensions,), initializer=initial)

    def call(self, features):
        """[B, F] → [B, 2d], as `DiagonalGaussian` takes it."""
        mean = self.mean(features)
        return tf.concat([mean, tf.broadcast_to(tf.convert_to_tensor(self.log_std), tf.shape(mean))], -1)


def logits_head(num_actions: int, *, gain: float, seed: int) -> keras.Sequential:
    """[B, F] → logits [B, n]."""
    return keras.Sequential([linear(num_actions, "logits", gain=gain, seed=seed)], name="policy")


def gaussian_head(num_dimensions: int, *, gain: float, seed: int, initial_log_std: float) -> keras.Sequential:
    """[B, F] → means and log standard deviations [B, 2d]."""
    layer = GaussianParameters(num_dimensions, gain=gain, seed=seed, initial_log_std=initial_log_std)
    return keras.Sequential([layer], name="policy")


def value_head(*, gain: float, bias: float, seed: int, name: str = "value") -> keras.Sequential:
    """[B, F] → values [B, 1]."""
    return keras.Sequential([linear(1, "linear", gain=gain, bias=bias, seed=seed)], name=name)


def linear(units: int, name: str, *, gain: float, seed: int, bias: float = 0.0) -> keras.layers.Dense:
    """A linear layer as `torsos.dense` makes it, with `FewOutputs` where there are few; `bias` is the initial one."""
    kind = FewOutputs if units <= _FEW else keras.layers.Dense
    return kind(
        units,
        name=name,
        kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed),
        bias_initializer=keras.initializers.Constant(bias),
    )
