"""Returns and lengths of finished episodes, undiscounted and from unnormalised rewards.

An episode may span several rollouts, so its return so far is carried in the state.
"""

from typing import NamedTuple

import tensorflow as tf

from rl.estimators.recurrence import linear_recurrence


class EpisodeState(NamedTuple):
    """The current episode of each environment."""

    returns: tf.Tensor
    """Sum of rewards so far, [N] float32; 0 after an episode's end."""
    lengths: tf.Tensor
    """Steps so far, [N] float32; 0 after an episode's end."""


class EpisodeSummary(NamedTuple):
    """Statistics of the episodes that ended within a rollout, [] float32 each."""

    count: tf.Tensor
    """Number of episodes that ended."""
    return_sum: tf.Tensor
    """The sum of their returns; divided by `count` it is the mean."""
    return_min: tf.Tensor
    """The lowest of their returns; +∞ if no episode ended."""
    return_max: tf.Tensor
    """The highest of their returns; −∞ if no episode ended."""
    length_sum: tf.Tensor
    """The sum of their lengths, in steps."""


def episode_metrics(summary: EpisodeSummary) -> dict[str, tf.Tensor]:
    """The metrics {`episode/…`: [] float32} of a rollout; NaN if no episode ended, except for the count."""
    some, nan = summary.count > 0, tf.constant(float("nan"))
    return {
        "episode/return": tf.where(some, summary.return_sum / summary.count, nan),
        "episode/return_min": tf.where(some, summary.return_min, nan),
        "episode/return_max": tf.where(some, summary.return_max, nan),
        "episode/length": tf.where(some, summary.length_sum / summary.count, nan),
        "episode/count": summary.count,
    }


def no_episodes(num_envs: int) -> EpisodeState:
    """The state after a reset: all returns and lengths are 0."""
    return EpisodeState(tf.zeros(num_envs), tf.zeros(num_envs))


def follow_episodes(
    state: EpisodeState, reward: tf.Tensor, ended: tf.Tensor, valid: tf.Tensor
) -> tuple[EpisodeState, EpisodeSummary]:
    """Accumulates returns and lengths over a rollout.

    R_t = r_t + (1 − ended_{t−1}) R_{t−1}, and the same recursion for the length with r = 1

    Args:
        state: the episodes in progress before the rollout.
        reward: r, [T, N] float32, as the environment returned it.
        ended: [T, N] bool, whether the episode terminated or was truncated.
        valid: [T, N] bool; an invalid step (spent on a reset) adds nothing.
    Returns: the episodes in progress after the rollout, and the summary of those that ended within it.
    """
    valid, going_on = tf.cast(valid, tf.float32), 1.0 - tf.cast(ended, tf.float32)
    went_on = tf.concat([tf.ones_like(going_on[:1]), going_on[:-1]], 0)
    returns = linear_recurrence(reward * valid, went_on, state.returns)
    lengths = linear_recurrence(valid, went_on, state.lengths)
    infinity = tf.constant(float("inf"))
    summary = EpisodeSummary(
        tf.reduce_sum(1.0 - going_on),
        tf.reduce_sum(tf.where(ended, returns, 0.0)),
        tf.reduce_min(tf.where(ended, returns, infinity)),
        tf.reduce_max(tf.where(ended, returns, -infinity)),
        tf.reduce_sum(tf.where(ended, lengths, 0.0)),
    )
    return EpisodeState(returns[-1] * going_on[-1], lengths[-1] * going_on[-1]), summary
