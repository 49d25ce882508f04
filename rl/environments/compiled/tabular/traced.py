"""The solutions of `exact` as TensorFlow operations, for programs whose policy is an input.

A policy is a tensor π [S, A] float64 with positive probabilities, as a softmax has. The states that it reaches then
depend on the MDP alone, so that the conditions that `exact` checks hold for all such policies or for none.
"""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.tabular import exact
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP


def state_values(mdp: FiniteMDP, policy: tf.Tensor, reward: tf.Tensor, *, gamma: float) -> tf.Tensor:
    """The state values v = (I − γ P_π)⁻¹ r_π, [S] float64; 0 in terminal states. Gradients flow to policy and reward.

    Args:
        mdp: its transitions and terminal states are used.
        policy: π, [S, A] float64.
        reward: r, [S, A] float64, which replaces the MDP's own.
        gamma: γ in [0, 1].
    """
    matrix = tf.eye(len(mdp.terminal), dtype=tf.float64) - gamma * _averaged(policy, _continuing(mdp))
    rewards = tf.where(mdp.terminal, tf.zeros((), tf.float64), tf.reduce_sum(policy * reward, 1))
    return tf.linalg.solve(matrix, rewards[:, None])[:, 0]


def advantages(mdp: FiniteMDP, values: tf.Tensor, reward: tf.Tensor, *, gamma: float) -> tf.Tensor:
    """The advantages r(s, a) + γ Σ_s' P(s' | s, a) v(s') − v(s), [S, A] float64; 0 in terminal states.

    Args: values: v, [S] float64; reward: r, [S, A] float64.
    """
    q = reward + gamma * tf.reduce_sum(_continuing(mdp) * values, -1)
    return tf.where(mdp.terminal[:, None], tf.zeros((), tf.float64), q - values[:, None])


def state_distribution(mdp: FiniteMDP, policy: tf.Tensor, *, max_episode_steps: int | None) -> tf.Tensor:
    """The long-run fraction of steps that are taken in each state, by environments that reset themselves, [S] float64.

    Without a time limit H it solves d = d P̃ (see `exact.stationary_distribution`). With one it is the expected number
    of visits in an episode, Σ_{t<H} start P_πᵗ, divided by its sum (renewal reward theorem).

    Args: policy: π, [S, A] float64; max_episode_steps: H, or None for no limit.
    """
    chain = _averaged(policy, _continuing(mdp))
    if max_episode_steps is not None:
        visits = _visits(chain, tf.constant(mdp.start), max_episode_steps)
        return visits / tf.reduce_sum(visits)
    ends = np.where(mdp.terminal[:, None], 0.0, mdp.transition[..., mdp.terminal].sum(-1))
    chain += tf.reduce_sum(policy * ends, 1)[:, None] * mdp.start
    select = np.eye(len(mdp.start))[_visited(mdp)]  # [R, S]: other states may have recurrent classes of their own
    balance = tf.transpose(select @ chain @ select.T) - np.eye(len(select))
    balance = tf.concat([balance[:-1], tf.ones_like(balance[:1])], 0)
    return tf.linalg.matvec(select.T, tf.linalg.solve(balance, np.eye(len(select))[:, -1:])[:, 0])


def _visits(chain: tf.Tensor, start: tf.Tensor, steps: int) -> tf.Tensor:
    """The expected visits of each state in `steps` steps, Σ_{t<steps} start chainᵗ, [S]."""
    _, visits = tf.while_loop(
        lambda *_: True,
        lambda now, visits: (tf.linalg.matvec(chain, now, transpose_a=True), visits + now),
        (start, tf.zeros_like(start)),
        maximum_iterations=steps,
    )
    return visits


def _visited(mdp: FiniteMDP) -> np.ndarray:
    """The indices of the states that a policy with positive probabilities reaches, ascending."""
    anything = np.full(mdp.reward.shape, 1 / mdp.reward.shape[1])
    return exact.reachable(exact.restarting_transition(mdp, anything), mdp.start > 0)


def _continuing(mdp: FiniteMDP) -> np.ndarray:
    """P(s' | s, a) between non-terminal states, [S, A, S]; 0 elsewhere."""
    return np.where(mdp.terminal[:, None, None] | mdp.terminal, 0.0, mdp.transition)


def _averaged(policy: tf.Tensor, transition: np.ndarray) -> tf.Tensor:
    """Σ_a π(a | s) P(s' | s, a), [S, S]."""
    return tf.reduce_sum(policy[..., None] * transition, 1)
