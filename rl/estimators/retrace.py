"""Retrace: targets for action values from trajectories of another policy."""

import tensorflow as tf

from rl.estimators.recurrence import cut, reverse_linear_recurrence


def retrace(
    log_rho_t: tf.Tensor,
    r_t: tf.Tensor,
    discount_t: tf.Tensor,
    q_tm1: tf.Tensor,
    v_t: tf.Tensor,
    lambda_t: tf.Tensor,
) -> tf.Tensor:
    """Retrace(λ) targets (Munos et al. 2016, eq. 4, arXiv:1606.02647).

    δ_t = r_t + γ_t v_t − q_{t−1},  c_t = min(1, π(a_t|s_t) / μ(a_t|s_t)),  x_t = δ_t + γ_t λ_t c_{t+1} x_{t+1}
    target_t = q_{t−1} + x_t

    λ = 0 gives one-step targets; on-policy with λ = 1 and v = q(s, a) the sum telescopes to the n-step return. The
    first action needs no weight: its value is what is asked for. Behind the last step c is not needed, since x is 0.

    Args:
        log_rho_t: [T, B] float, log π(a_t|s_t) − log μ(a_t|s_t); μ is the policy that acted.
        r_t: [T, B] float, the reward of each step.
        discount_t: [T, B] float, γ, or 0 where the episode terminated.
        q_tm1: [T, B] float, the value of the step's own observation and action.
        v_t: [T, B] float, the value of the step's own successor under π, E_π q(s', ·).
        lambda_t: [T, B] float, λ, or 0 where the episode ended.
    Returns: [T, B], in units of the reward; no gradient flows through them.
    """
    c_t = tf.exp(tf.minimum(log_rho_t, 0.0))
    following = tf.concat([c_t[1:], tf.zeros_like(c_t[:1])], 0)
    carried = discount_t * lambda_t
    delta = r_t + discount_t * cut(v_t, discount_t) - q_tm1
    x_t = reverse_linear_recurrence(delta, carried * cut(following, carried), tf.zeros_like(r_t[0]))
    return tf.stop_gradient(q_tm1 + x_t)
