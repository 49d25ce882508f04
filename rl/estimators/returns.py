"""Returns along a batch of trajectories. All arrays are time-major, [T, B].

Letters: r_t is the reward that follows the action at step t, v_t the value of the observation that came with this
reward (the final observation where an episode ended), discount_t is γ, or 0 where the episode terminated, and lambda_t
is λ, or 0 where the episode terminated or was truncated. A terminated step thus does not bootstrap, a truncated step
bootstraps from its own final observation, and no value crosses from one episode into another, not even NaN.
"""

import tensorflow as tf

from rl.estimators.recurrence import cut, reverse_linear_recurrence


def lambda_returns(r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, lambda_t: tf.Tensor) -> tf.Tensor:
    """λ-returns with step-dependent λ and γ.

    G_t = r_t + γ_t [(1 − λ_t) v_t + λ_t G_{t+1}],  G_T = v_{T−1}    (Sutton & Barto 2018, eq. 12.18)

    λ = 1 gives the Monte Carlo return, bootstrapped at the end of the batch; λ = 0 the one-step target.

    Args: all [T, B] float, as in the module's docstring.
    Returns: [T, B]; gradients flow through every argument.
    """
    factor = discount_t * (1.0 - lambda_t)
    return reverse_linear_recurrence(r_t + factor * cut(v_t, factor), discount_t * lambda_t, v_t[-1])


def discounted_returns(r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, continues_t: tf.Tensor) -> tf.Tensor:
    """Discounted returns, bootstrapped where an episode or the batch ends.

    G_t = r_t + γ_t G_{t+1} within an episode,  G_t = r_t + γ_t v_t at its last step and at the batch's last step

    Args: all [T, B] float; continues_t is 0 where an episode ended, 1 elsewhere.
    Returns: [T, B], the λ-returns with λ_t = continues_t; gradients flow through every argument.
    """
    return lambda_returns(r_t, discount_t, v_t, continues_t)


def n_step_returns(
    r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, continues_t: tf.Tensor, *, n: int
) -> tf.Tensor:
    """n-step returns: n rewards and the value after them, or fewer if the episode or the batch ends earlier.

    G_t^(n) = r_t + γ_t G_{t+1}^(n−1),  G_t^(1) = r_t + γ_t v_t    (Sutton & Barto 2018, eq. 7.1)

    Args:
        r_t, discount_t, v_t, continues_t: [T, B] float; continues_t is 0 where an episode ended, 1 elsewhere.
        n: number of rewards, ≥ 1; n ≥ T gives the discounted returns, n = 1 the one-step target.
    Returns: [T, B]; gradients flow through every argument.
    Raises: ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"n-step returns need n >= 1, got {n}.")
    returns = r_t + discount_t * cut(v_t, discount_t)
    for _ in range(min(n, r_t.shape[0]) - 1):
        next_returns = tf.concat([returns[1:], v_t[-1:]], 0)
        ended = 1.0 - continues_t
        future = ended * cut(v_t, ended) + continues_t * cut(next_returns, continues_t)
        returns = r_t + discount_t * cut(future, discount_t)
    return returns
