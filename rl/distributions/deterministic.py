"""A deterministic action within a box."""

import math
from collections.abc import Sequence

import tensorflow as tf

from rl.distributions.squashed import Squashed
from rl.randomness import normals


class Deterministic(Squashed):
    """The action m + s tanh(u) itself; the parameters are u, [..., d] (Silver et al. 2014).

    It has no density: log-probabilities, entropy and divergences are NaN, which logs report as missing.
    """

    def __init__(self, low: Sequence[float], high: Sequence[float]):
        """See `Squashed`."""
        super().__init__(low, high)
        self.num_parameters = self.num_dimensions

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Standard normal noise, [*shape, d] float32, for exploration that an agent adds; seed: [2] int."""
        return normals(seed, (*shape, self.num_dimensions))

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The action, [..., d]; no gradient flows through it."""
        return tf.stop_gradient(self.squashed(parameters))

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The action, [..., d]."""
        return self.squashed(parameters)

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """NaN, [...]."""
        return tf.reduce_sum(parameters, -1) * math.nan

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """NaN, [...]."""
        return tf.reduce_sum(parameters, -1) * math.nan

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """NaN, [...]."""
        return tf.reduce_sum(parameters, -1) * math.nan
