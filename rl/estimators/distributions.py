"""Policies' distributions as pure functions of their parameters.

A distribution turns the parameters that a policy head puts out, [..., num_parameters], and noise of a fixed law into
actions. Noise comes first (one call for a whole rollout), so that drawing an action is a deterministic function.
"""

import math
from typing import Protocol

import tensorflow as tf

from rl.randomness import normals, uniforms

_LARGEST = 80.0


class Distribution(Protocol):
    """What a policy needs of its distribution. Leading axes are arbitrary; gradients flow to the parameters."""

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


class Categorical:
    """A choice of one of n actions; the parameters are logits [..., n].

    A logit of −∞ masks an action: it has probability 0, is never drawn, and adds nothing to entropy, KL or gradients.
    """

    def __init__(self, num_actions: int):
        self.num_parameters = num_actions

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Standard Gumbel noise [*shape, n]: argmax(logits + noise) has law softmax(logits) (Gumbel 1954)."""
        uniform = tf.maximum(uniforms(seed, (*shape, self.num_parameters)), 2.0**-25)  # 0 would be an infinite −log
        return -tf.math.log(-tf.math.log(uniform))

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """[...] int64."""
        return tf.argmax(parameters + noise, -1)

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """[...] int64; the first of equals."""
        return tf.argmax(parameters, -1)

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """log softmax(logits)[action]; −∞ for a masked action, NaN for a number that is none of the n actions.

        NaN and not −∞: such an action is a mistake and not an impossible choice, and a NaN passes through every loss,
        that of advantage 0 included.
        """
        chosen = tf.one_hot(action, self.num_parameters, on_value=True, off_value=False, dtype=tf.bool)
        log_p = tf.nn.log_softmax(parameters)
        log_prob = tf.reduce_sum(tf.where(chosen, log_p, tf.zeros_like(log_p)), -1)
        return tf.where((action >= 0) & (action < self.num_parameters), log_prob, math.nan)

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """−Σ p log p; between 0 and log n."""
        log_p = tf.nn.log_softmax(parameters)
        p = tf.exp(log_p)
        return -tf.reduce_sum(p * tf.where(p > 0, log_p, tf.zeros_like(log_p)), -1)

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Σ p (log p − log q); +∞ where an action that π takes (p > 0 in float32) is masked in π_other."""
        log_p = tf.nn.log_softmax(parameters)
        p = tf.exp(log_p)
        return tf.reduce_sum(p * tf.where(p > 0, log_p - tf.nn.log_softmax(other), tf.zeros_like(log_p)), -1)


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
