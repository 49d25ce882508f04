"""The distribution of continuous actions."""

import math

import tensorflow as tf

from rl.randomness import normals

_LARGEST = 80.0


class DiagonalGaussian:
    """Independent normal actions; the parameters are d means and d log standard deviations, [..., 2d].

    The support is unbounded. Where the environment's actions are bounded the environment clips what it is given, while
    log π is that of the action before clipping: the usual choice of PPO and A2C, unbiased since clipping is then a part
    of the environment. A density on the bounded box itself (tanh, Beta) would be another distribution, with other
    parameters.

    σ = exp(log σ) is bounded to e^±80, so that it and its inverse stay within float32 wherever log σ goes.
    """

    def __init__(self, num_dimensions: int):
        self.num_dimensions = num_dimensions
        self.num_parameters = 2 * num_dimensions

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Standard normal noise, [*shape, d]."""
        return normals(seed, (*shape, self.num_dimensions))

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """mean + exp(log_std)·noise, [..., d] float32."""
        mean, log_std = tf.split(parameters, 2, -1)
        return tf.stop_gradient(mean + tf.exp(_bounded(log_std)) * noise)

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The mean, [..., d]."""
        return tf.split(parameters, 2, -1)[0]

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """Σ_d −½ z² − log σ − ½ log 2π, z = (a − μ)/σ; of the action before any clipping."""
        mean, log_std = tf.split(parameters, 2, -1)
        z = (action - mean) * tf.exp(-_bounded(log_std))
        return tf.reduce_sum(-0.5 * tf.square(z) - log_std - 0.5 * math.log(2 * math.pi), -1)

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """Σ_d log σ + ½ log 2πe; of the distribution before any clipping."""
        _, log_std = tf.split(parameters, 2, -1)
        return tf.reduce_sum(log_std + 0.5 * math.log(2 * math.pi * math.e), -1)

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Σ_d log(σ₂/σ₁) + (σ₁² + (μ₁ − μ₂)²)/(2σ₂²) − ½."""
        mean, log_std = tf.split(parameters, 2, -1)
        other_mean, other_log_std = tf.split(other, 2, -1)
        ratio = tf.exp(2 * (log_std - other_log_std))
        distance = tf.square((mean - other_mean) * tf.exp(-_bounded(other_log_std)))
        return tf.reduce_sum(other_log_std - log_std + 0.5 * (ratio + distance - 1.0), -1)


def _bounded(log_std: tf.Tensor) -> tf.Tensor:
    """log σ in ±80, with the gradient of log σ itself, which points the right way beyond the bound too."""
    return log_std + tf.stop_gradient(tf.clip_by_value(log_std, -_LARGEST, _LARGEST) - log_std)
