"""What a policy needs of its distribution."""

from typing import Protocol

import tensorflow as tf


class Distribution(Protocol):
    """A policy's distribution as pure functions of its parameters.

    Leading axes are arbitrary; gradients flow to the parameters.
    """

    num_parameters: int

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Noise for `sample` with leading axes `shape`; seed: [2] int."""

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """An action drawn with the noise; no gradient flows through it."""

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The most likely action, taken by a greedy policy."""

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """log π(action), [...]."""

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """−E log π in nats, [...]."""

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """KL(π, π_other) = E_π [log π − log π_other] in nats, [...], exact."""
