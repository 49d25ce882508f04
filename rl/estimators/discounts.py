"""Discounts and λ of a batch of trajectories, with zeros where an episode ends."""

import tensorflow as tf


def discounts(
    terminated: tf.Tensor, truncated: tf.Tensor, *, gamma: float, lambda_: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes discount_t and lambda_t from the termination and truncation flags of each step.

    discount_t = γ (1 − terminated_t),  lambda_t = λ (1 − (terminated_t or truncated_t))

    Args:
        terminated, truncated: [T, B] bool.
        gamma: γ in [0, 1].
        lambda_: λ in [0, 1].
    Returns: (discount_t, lambda_t), [T, B] float32 each.
    """
    discount_t = gamma * (1.0 - tf.cast(terminated, tf.float32))
    lambda_t = lambda_ * (1.0 - tf.cast(terminated | truncated, tf.float32))
    return discount_t, lambda_t
