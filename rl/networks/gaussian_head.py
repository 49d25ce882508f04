"""The policy head for continuous actions."""

import keras
import tensorflow as tf

from rl.joining import joined
from rl.networks.linear import linear


class GaussianParameters(keras.layers.Layer):
    """The parameters of a `DiagonalGaussian`: means that are linear in the features, and free log standard deviations.

    The log standard deviations are weights of their own, the same for every observation.
    """

    def __init__(self, num_dimensions: int, *, gain: float, seed: int, initial_log_std: float):
        """
        Args:
            num_dimensions: d, dimensions of the action.
            gain, seed: of the means' orthogonal kernel.
            initial_log_std: log σ at the start, the same in every dimension.
        """
        super().__init__(name="gaussian")
        self.num_dimensions, self.initial_log_std = num_dimensions, initial_log_std
        self.mean = linear(num_dimensions, "mean", gain=gain, seed=seed)

    def build(self, input_shape):
        """Creates the means' kernel and bias, and the log standard deviations [d]."""
        self.mean.build(input_shape)
        initial = keras.initializers.Constant(self.initial_log_std)
        self.log_std = self.add_weight(name="log_std", shape=(self.num_dimensions,), initializer=initial)

    def call(self, features):
        """[B, F] → [B, 2d]: means, then log standard deviations."""
        mean = self.mean(features)
        return joined([mean, tf.broadcast_to(tf.convert_to_tensor(self.log_std), tf.shape(mean))])


def gaussian_head(num_dimensions: int, *, gain: float, seed: int, initial_log_std: float) -> keras.Sequential:
    """A policy head for continuous actions, [B, F] → means and log standard deviations [B, 2d].

    Args: see `GaussianParameters`.
    """
    layer = GaussianParameters(num_dimensions, gain=gain, seed=seed, initial_log_std=initial_log_std)
    return keras.Sequential([layer], name="policy")
