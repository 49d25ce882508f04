"""Value losses, one per sample; the caller averages over the valid samples.

All have the factor ½ near their minimum, where the gradient is therefore the error v − target. No gradient flows
through the target.
"""

import tensorflow as tf


def squared_value_loss(v: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """½ (v − target)².

    Args: v, target: [B], in units of the return.
    Returns: [B]; the gradient with respect to v is v − target, minus the TD error.
    """
    return 0.5 * tf.square(v - tf.stop_gradient(target))


def clipped_value_loss(v: tf.Tensor, target: tf.Tensor, v_old: tf.Tensor, *, clip: float) -> tf.Tensor:
    """½ max[(v − target)², (clip(v, v_old ± ε) − target)²]    (PPO's reference code, openai/baselines ppo2)

    Args:
        v, target, v_old: [B]; v_old is the value at the behaviour weights.
        clip: ε > 0, in units of the return.
    Returns: [B]; gradients flow only to v, and are 0 where v lies outside v_old ± ε and the clipped term is the
        larger one: v has then moved far enough towards the target.
    """
    v_old = tf.stop_gradient(v_old)
    clipped = v_old + tf.clip_by_value(v - v_old, -clip, clip)
    return tf.maximum(squared_value_loss(v, target), squared_value_loss(clipped, target))


def huber_value_loss(v: tf.Tensor, target: tf.Tensor, *, delta: float) -> tf.Tensor:
    """½ e² where |e| ≤ δ, δ (|e| − ½ δ) elsewhere, e = v − target    (Huber 1964)

    Args:
        v, target: [B].
        delta: δ > 0, in units of the return.
    Returns: [B]; the gradient with respect to v is e, clipped to ±δ.
    """
    error = v - tf.stop_gradient(target)
    size = tf.abs(error)
    near = size <= delta
    square = tf.square(tf.where(near, error, tf.zeros_like(error)))  # the square of a large error may overflow
    return tf.where(near, 0.5 * square, delta * (size - 0.5 * delta))
