"""Advantage estimates."""

import tensorflow as tf

from rl.estimators.recurrence import cut, reverse_linear_recurrence


def gae(r_t: tf.Tensor, discount_t: tf.Tensor, v_tm1: tf.Tensor, v_t: tf.Tensor, lambda_t: tf.Tensor) -> tf.Tensor:
    """Generalised advantage estimates along a batch of trajectories.

    A_t = δ_t + γ_t λ_t A_{t+1},  δ_t = r_t + γ_t v_t − v_{t−1}    (Schulman et al. 2016, eq. 16, arXiv:1506.02438)

    λ = 1 gives the Monte Carlo return minus the value, λ = 0 the one-step TD error.
    Differs from eq. 16: λ_t is 0 where an episode ended, so no advantage crosses an episode boundary; v_t is the value
    of the step's own successor, which is the final observation where the episode ended.

    Args: all [T, B] float; discount_t is γ, or 0 where the episode terminated, and lambda_t is λ, or 0 where the
        episode ended (`returns.discounts` makes both).
    Returns: [T, B] advantages, in units of the reward; no gradient flows through them.
    """
    delta_t = r_t + discount_t * cut(v_t, discount_t) - v_tm1
    advantage = reverse_linear_recurrence(delta_t, discount_t * lambda_t, tf.zeros_like(delta_t[0]))
    return tf.stop_gradient(advantage)
