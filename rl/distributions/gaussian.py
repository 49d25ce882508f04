"""The diagonal Gaussian distribution over continuous actions."""

import math

import tensorflow as tf

from rl.randomness import normals

_MAX_LOG_STD = 80.0


class DiagonalGaussian:
    """Independent normal actions, a ~ N(μ, diag σ²); the parameters are d means μ and d values log σ, [..., 2d].

    The support is unbounded. If the action space is bounded, the environment clips the action, while log π is the
    density of the action before clipping: the usual choice for PPO and A2C, and unbiased, since clipping is then part
    of the environment's dynamics. A density on the box itself (tanh-squashed, Beta) would be a different distribution.

    For sampling and standardising, σ = exp(log σ) is clipped to [e^−80, e^80], which keeps σ and 1/σ finite in float32
    for every log σ; the gradient is straight-through, as if there were no clipping.
    """

    def __init__(self, num_dimensions: int):
        """Args: num_dimensions: d ≥ 1."""
        self.num_dimensions = num_dimensions
        self.num_parameters = 2 * num_dimensions

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Standard normal noise, [*shape, d] float32, from a seed [2] int."""
        return normals(seed, (*shape, self.num_dimensions))

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """μ + σ·noise, [..., d] float32; no gradient flows through it."""
        mean, log_std = tf.split(parameters, 2, -1)
        return tf.stop_gradient(mean + tf.exp(_clipped(log_std)) * noise)

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The mean μ, [..., d]."""
        return tf.split(parameters, 2, -1)[0]

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """log π(a) = Σ_d [−½ z² − log σ − ½ log 2π],  z = (a − μ)/σ, [...]; a is the action before clipping."""
        mean, log_std = tf.split(parameters, 2, -1)
        z = (action - mean) * tf.exp(-_clipped(log_std))
        return tf.reduce_sum(-0.5 * tf.square(z) - log_std - 0.5 * math.log(2 * math.pi), -1)

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """The differential entropy Σ_d [log σ + ½ log 2πe] in nats, [...], of the actions before clipping."""
        _, log_std = tf.split(parameters, 2, -1)
        return tf.reduce_sum(log_std + 0.5 * math.log(2 * math.pi * math.e), -1)

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """KL(π, π_other) = Σ_d [log(σ₂/σ₁) + (σ₁² + (μ₁ − μ₂)²)/(2σ₂²) − ½] in nats, [...]; π_other has μ₂, σ₂."""
        mean, log_std = tf.split(parameters, 2, -1)
        other_mean, other_log_std = tf.split(other, 2, -1)
        ratio = tf.exp(2 * (log_std - other_log_std))
        distance = tf.square((mean - other_mean) * tf.exp(-_clipped(other_log_std)))
        return tf.reduce_sum(other_log_std - log_std + 0.5 * (ratio + distance - 1.0), -1)


def _clipped(log_std: tf.Tensor) -> tf.Tensor:
    """log σ clipped to ±80, with a straight-through gradient of 1 so that log σ can recover from beyond the bound."""
    return log_std + tf.stop_gradient(tf.clip_by_value(log_std, -_MAX_LOG_STD, _MAX_LOG_STD) - log_std)
