"""The distribution of discrete actions."""

import math

import tensorflow as tf

from rl.randomness import uniforms


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
