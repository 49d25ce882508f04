"""The loss whose gradient is the policy gradient."""

import tensorflow as tf


def policy_gradient_loss(log_prob: tf.Tensor, advantage: tf.Tensor) -> tf.Tensor:
    """−log π(a|s) A, whose gradient is minus the policy gradient (Williams 1992; Sutton et al. 2000, theorem 1).

    Args:
        log_prob: [B], log π(a|s) of the action taken, in nats.
        advantage: [B]; no gradient flows through it.
    Returns: [B]; the gradient with respect to log_prob is −A.
    """
    return -log_prob * tf.stop_gradient(advantage)
