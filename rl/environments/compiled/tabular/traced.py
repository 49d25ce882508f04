"""The truths of `exact` as operations of a program, for a policy that changes from one run of it to the next.

A policy is a tensor π [S, A], float64, that gives every action a positive probability, as a softmax does. Where it can
lead is then a matter of the MDP alone: what `exact` accepts of one such policy is accepted of all.
"""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.tabular import exact
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP


def state_values(mdp: FiniteMDP, policy: tf.Tensor, reward: tf.Tensor, *, gamma: float) -> tf.Tensor:
    """v = (I − γ P_π)⁻¹ r_π, [S]; 0 in terminal states. reward: [S, A] float64, in the place of the MDP's own."""
    matrix = tf.eye(len(mdp.terminal), dtype=tf.float64) - gamma * _averaged(policy, _going_on(mdp))
    rewards = tf.where(mdp.terminal, tf.zeros((), tf.float64), tf.reduce_sum(policy * reward, 1))
    return tf.linalg.solve(matrix, rewards[:, None])[:, 0]


def advantages(mdp: FiniteMDP, values: tf.Tensor, reward: tf.Tensor, *, gamma: float) -> tf.Tensor:
    """r(s, a) + γ Σ_s' P(s' | s, a) v(s') − v(s), [S, A]; 0 in terminal states. values: [S] float64."""
    q = reward + gamma * tf.reduce_sum(_going_on(mdp) * values, -1)
    return tf.where(mdp.terminal[:, None], tf.zeros((), tf.float64), q - values[:, None])


def state_distribution(mdp: FiniteMDP, policy: tf.Tensor, *, max_episode_steps: int | None) -> tf.Tensor:
    """The share of steps that is taken in each state in the long run, [S], by environments that reset themselves.

    Without a time limit H it solves d = d P̃ (see `exact.stationary_distribution`). With one it is the expected number
    of visits in an episode, Σ_{t<H} start P_πᵗ, over its sum (renewal reward theorem).
    """
    chain = _averaged(policy, _going_on(mdp))
    if max_episode_steps is not None:
        visits = _visits(chain, tf.constant(mdp.start), max_episode_steps)
        return visits / tf.reduce_sum(visits)
    ends = np.where(mdp.terminal[:, None], 0.0, mdp.transition[..., mdp.terminal].sum(-1))
    chain += tf.reduce_sum(policy * ends, 1)[:, None] * mdp.start
    select = np.eye(len(mdp.start))[_visited(mdp)]  # [R, S]: the others could be in recurrent classes of their own
    balance = tf.transpose(select @ chain @ select.T) - np.eye(len(select))
    balance = tf.concat([balance[:-1], tf.ones_like(balance[:1])], 0)
    return tf.linalg.matvec(select.T, tf.linalg.solve(balance, np.eye(len(select))[:, -1:])[:, 0])


def _visits(chain: tf.Tensor, start: tf.Tensor, steps: int) -> tf.Tensor:
    _, visits = tf.while_loop(
        lambda *_: True,
        lambda now, visits: (tf.linalg.matvec(chain, now, transpose_a=True), visits + now),
        (start, tf.zeros_like(start)),
        maximum_iterations=steps,
    )
    return visits


def _visited(mdp: FiniteMDP) -> np.ndarray:
    """The states, ascending, that a policy without impossible actions comes to."""
    anything = np.full(mdp.reward.shape, 1 / mdp.reward.shape[1])
    return exact.reachable(exact.restarting_transition(mdp, anything), mdp.start > 0)


def _going_on(mdp: FiniteMDP) -> np.ndarray:
    """P(s' | s, a) between live states, [S, A, S]; 0 elsewhere."""
    return np.where(mdp.terminal[:, None, None] | mdp.terminal, 0.0, mdp.transition)


def _averaged(policy: tf.Tensor, transition: np.ndarray) -> tf.Tensor:
    return tf.reduce_sum(policy[..., None] * transition, 1)
