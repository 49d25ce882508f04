"""V-trace: value targets and advantages from trajectories of an older policy."""

from typing import NamedTuple

import tensorflow as tf

from rl.estimators.recurrence import cut, reverse_linear_recurrence


class VTrace(NamedTuple):
    """Value targets vs_t and policy-gradient advantages, [T, B] each; no gradient flows through them."""

    target: tf.Tensor
    advantage: tf.Tensor


def vtrace(
    log_rho_t: tf.Tensor,
    r_t: tf.Tensor,
    discount_t: tf.Tensor,
    v_tm1: tf.Tensor,
    v_t: tf.Tensor,
    lambda_t: tf.Tensor,
    *,
    rho_clip: float | tf.Tensor,
    c_clip: float | tf.Tensor,
) -> VTrace:
    """V-trace targets and advantages (Espeholt et al. 2018, eq. 1 and section 4.2, arXiv:1802.01561).

    ρ_t = min(ρ̄, π(a_t|s_t) / μ(a_t|s_t)),  c_t = λ_t min(c̄, π(a_t|s_t) / μ(a_t|s_t))
    δ_t = ρ_t (r_t + γ_t v_t − v_{t−1}),  x_t = δ_t + γ_t c_t x_{t+1},  vs_t = v_{t−1} + x_t
    A_t = ρ_t (r_t + γ_t (v_t + λ_t x_{t+1}) − v_{t−1}),  the value of the action by the targets of the next step

    On-policy (ρ = 1, ρ̄ and c̄ ≥ 1) A_t is the generalised advantage estimate and vs_t the λ-return; λ = 1 gives the
    n-step return to the end of the batch. ρ̄ decides which policy's value the targets approach, between μ's (ρ̄ → 0) and
    π's (ρ̄ = ∞); c̄ only how fast.
    Differs from eq. 1: λ_t is 0 where an episode ended, so no correction crosses an episode boundary; v_t is the value
    of the step's own successor, which is the final observation where the episode was truncated.

    Args:
        log_rho_t: [T, B] float, log π(a_t|s_t) − log μ(a_t|s_t); μ is the policy that acted.
        r_t, discount_t, v_tm1, v_t, lambda_t: [T, B] float, as for `gae`; values by one set of weights.
        rho_clip, c_clip: ρ̄ and c̄, > 0.
    Returns: targets and advantages, in units of the reward.
    """
    ratio = tf.exp(tf.minimum(log_rho_t, 80.0))  # float32 overflows beyond; ρ̄ and c̄ are far below
    rho_t, c_t = tf.minimum(ratio, rho_clip), lambda_t * tf.minimum(ratio, c_clip)
    successor = discount_t * cut(v_t, discount_t)
    x_t = reverse_linear_recurrence(rho_t * (r_t + successor - v_tm1), discount_t * c_t, tf.zeros_like(r_t[0]))
    later = tf.concat([x_t[1:], tf.zeros_like(x_t[:1])], 0)
    carried = discount_t * lambda_t
    advantage = rho_t * (r_t + successor + carried * cut(later, carried) - v_tm1)
    return VTrace(tf.stop_gradient(v_tm1 + x_t), tf.stop_gradient(advantage))
