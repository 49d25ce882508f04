"""Returns along a batch of trajectories. All arrays are time-major, [T, B].

Letters: r_t is the reward that follows the action at step t, v_t the value of the observation that this reward came
with (the final observation where an episode ended), discount_t = γ, or 0 where the episode terminated, and lambda_t the
trace, 0 where the episode ended in either way. Hence a terminated step takes nothing from the future, a truncated step
bootstraps from its own final observation, and nothing crosses from one episode into the next, whether it is finite or
not.
"""

import tensorflow as tf

from rl.estimators.recurrence import cut, reverse_linear_recurrence


def discounts(
    terminated: tf.Tensor, truncated: tf.Tensor, *, gamma: float, lambda_: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """(discount_t, lambda_t) of the module's docstring from the two ways in which a step can end an episode.

    Args:
        terminated, truncated: [T, B] bool.
    Returns: two [T, B] float32.
    """
    discount_t = gamma * (1.0 - tf.cast(terminated, tf.float32))
    lambda_t = lambda_ * (1.0 - tf.cast(terminated | truncated, tf.float32))
    return discount_t, lambda_t


def lambda_returns(r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, lambda_t: tf.Tensor) -> tf.Tensor:
    """λ-returns: G_t = r_t + γ_t [(1 − λ_t) v_t + λ_t G_{t+1}], with G_T = v_{T−1}.

    Sutton & Barto 2018, eq. 12.20 (λ and γ may vary with the step). λ = 1 is Monte Carlo, λ = 0 the one-step target.

    Args: all [T, B] float.
    Returns: [T, B]; gradients flow through every argument.
    """
    factor = discount_t * (1.0 - lambda_t)
    return reverse_linear_recurrence(r_t + factor * cut(v_t, factor), discount_t * lambda_t, v_t[-1])


def discounted_returns(r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, continues_t: tf.Tensor) -> tf.Tensor:
    """Discounted returns: G_t = r_t + γ_t G_{t+1}; where continues_t is 0 or the batch ends, v_t stands for G_{t+1}.

    Args: all [T, B] float; continues_t is 0 where an episode ended, 1 elsewhere.
    Returns: [T, B].
    """
    return lambda_returns(r_t, discount_t, v_t, continues_t)


def n_step_returns(
    r_t: tf.Tensor, discount_t: tf.Tensor, v_t: tf.Tensor, continues_t: tf.Tensor, *, n: int
) -> tf.Tensor:
    """n-step returns: n rewards, then the value; fewer where the episode or the batch ends before.

    G_t^(n) = r_t + γ_t G_{t+1}^(n−1),  G_t^(1) = r_t + γ_t v_t    (Sutton & Barto 2018, eq. 7.1)

    Args: all [T, B] float; continues_t is 0 where an episode ended, 1 elsewhere. n ≥ 1.
    Returns: [T, B]; n = T gives the discounted returns, n = 1 the one-step target.
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
