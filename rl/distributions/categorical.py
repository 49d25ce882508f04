"""The categorical distribution over discrete actions."""

import math

import tensorflow as tf

from rl.randomness import uniforms


class Categorical:
    """A distribution over n actions, π(a) = exp(l_a) / Σ_b exp(l_b); the parameters are the logits l, [..., n].

    A logit of −∞ masks an action: it has probability 0, is never drawn, and adds nothing to entropy, KL or gradients.
    At least one logit must be finite.
    """

    def __init__(self, num_actions: int):
        """Args: num_actions: n ≥ 1."""
        self.num_parameters = num_actions

    def noise(self, shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
        """Standard Gumbel noise −log(−log u), u uniform, [*shape, n] float32.

        argmax(logits + noise) is distributed as softmax(logits) (Gumbel 1954).

        Args: shape: leading axes; seed: [2] int.
        """
        uniform = tf.maximum(uniforms(seed, (*shape, self.num_parameters)), 2.0**-25)  # −log 0 would be infinite
        return -tf.math.log(-tf.math.log(uniform))

    def sample(self, parameters: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """argmax(logits + noise), [...] int64; no gradient flows through it."""
        return tf.argmax(parameters + noise, -1)

    def mode(self, parameters: tf.Tensor) -> tf.Tensor:
        """The action with the largest logit, [...] int64; the first of several equal ones."""
        return tf.argmax(parameters, -1)

    def log_prob(self, parameters: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """log π(action) = log softmax(logits)[action], [...]; the gradient with respect to the logits is 1_a − π.

        It is −∞ for a masked action, and NaN for an action outside 0 … n − 1, so that this error reaches the loss
        whatever the advantage, even 0.

        Args: parameters: [..., n]; action: [...] int.
        """
        chosen = tf.one_hot(action, self.num_parameters, on_value=True, off_value=False, dtype=tf.bool)
        log_p = tf.nn.log_softmax(parameters)
        log_prob = tf.reduce_sum(tf.where(chosen, log_p, tf.zeros_like(log_p)), -1)
        return tf.where((action >= 0) & (action < self.num_parameters), log_prob, math.nan)

    def entropy(self, parameters: tf.Tensor) -> tf.Tensor:
        """−Σ_a p_a log p_a in nats, [...], between 0 and log n; 0 log 0 = 0."""
        log_p = tf.nn.log_softmax(parameters)
        p = tf.exp(log_p)
        return -tf.reduce_sum(p * tf.where(p > 0, log_p, tf.zeros_like(log_p)), -1)

    def kl(self, parameters: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """KL(π, π_other) = Σ_a p_a (log p_a − log q_a) in nats, [...].

        It is +∞ if π_other masks an action that π takes with p_a > 0 in float32. Gradients flow to both.
        """
        log_p = tf.nn.log_softmax(parameters)
        p = tf.exp(log_p)
        return tf.reduce_sum(p * tf.where(p > 0, log_p - tf.nn.log_softmax(other), tf.zeros_like(log_p)), -1)
