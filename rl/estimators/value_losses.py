"""Losses of the value, one number a sample; all with the factor ½, and no gradient through the target."""

import tensorflow as tf


def squared_value_loss(v: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """½ (v − target)². Args: both [B]. Returns: [B]; the gradient with respect to v is v − target, minus the TD
    error.
    """
    return 0.5 * tf.square(v - tf.stop_gradient(target))


def clipped_value_loss(v: tf.Tensor, target: tf.Tensor, v_old: tf.Tensor, *, clip: float) -> tf.Tensor:
    """½ max[(v − target)², (clip(v, v_old ± ε) − target)²]    (PPO's reference code, openai/baselines ppo2)

    Args: v, target, v_old: [B]; clip: ε > 0 in units of the return. Gradients flow through v alone.
    Returns: [B].
    """
    v_old = tf.stop_gradient(v_old)
    clipped = v_old + tf.clip_by_value(v - v_old, -clip, clip)
    return tf.maximum(squared_value_loss(v, target), squared_value_loss(clipped, target))


def huber_value_loss(v: tf.Tensor, target: tf.Tensor, *, delta: float) -> tf.Tensor:
    """½ e² where |e| ≤ δ, δ (|e| − ½ δ) beyond, e = v − target    (Huber 1964): the gradient is e, cut to ±δ.

    Args: v, target: [B]; delta: δ > 0 in units of the return.
    Returns: [B].
    """
    error = v - tf.stop_gradient(target)
    size = tf.abs(error)
    near = size <= delta
    square = tf.square(tf.where(near, error, tf.zeros_like(error)))  # that of a far one may be infinite
    return tf.where(near, 0.5 * square, delta * (size - 0.5 * delta))
