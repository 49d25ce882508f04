"""The interface of a policy's distribution."""

from typing import Protocol

import tensorflow as tf


class Distribution(Protocol):
    """A policy's distribution as pure functions of its parameters, [..., num_parameters] float32.

    Leading axes are arbitrary. Gradients of `log_prob`, `entropy` and `kl` flow to the parameters.
    """

    num_parameters: int
    """Number of policy-head outputs that parameterise one action."""

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Noise for `sample`, with leading axes `shape`.

        Args: seed: [2] int.
        Returns: [*shape, …] float32, the same bits for the same seed.
        """

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The action that the noise selects, distributed as π; no gradient flows through it."""

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The most likely action, which a greedy policy takes."""

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """log π(action), [...]: a log-probability in nats, or the logarithm of a density."""

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """The entropy −E_π log π in nats, [...], exact; a differential entropy may be negative."""

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """KL(π, π_other) = E_π [log π − log π_other] ≥ 0 in nats, [...], exact; gradients flow to both."""
