"""Returns and lengths of finished episodes, from rewards as the environment gave them."""

from typing import NamedTuple

import tensorflow as tf

from rl.estimators.recurrence import linear_recurrence


class EpisodeState(NamedTuple):
    """The episodes under way: return and length so far (0 after an end), both [N] float32."""

    returns: tf.Tensor
    lengths: tf.Tensor


class EpisodeSummary(NamedTuple):
    """What ended within a rollout: a count and figures over these episodes, all [] float32; a mean is sum / count."""

    count: tf.Tensor
    return_sum: tf.Tensor
    return_min: tf.Tensor  # +inf where nothing ended
    return_max: tf.Tensor  # −inf where nothing ended
    length_sum: tf.Tensor


def episode_metrics(summary: EpisodeSummary) -> dict[str, tf.Tensor]:
    """The tags episode/…, NaN where no episode ended."""
    some, nan = summary.count > 0, tf.constant(float("nan"))
    return {
        "episode/return": tf.where(some, summary.return_sum / summary.count, nan),
        "episode/return_min": tf.where(some, summary.return_min, nan),
        "episode/return_max": tf.where(some, summary.return_max, nan),
        "episode/length": tf.where(some, summary.length_sum / summary.count, nan),
        "episode/count": summary.count,
    }


def no_episodes(num_envs: int) -> EpisodeState:
    """Nothing done yet."""
    return EpisodeState(tf.zeros(num_envs), tf.zeros(num_envs))


def follow_episodes(
    state: EpisodeState, reward: tf.Tensor, ended: tf.Tensor, valid: tf.Tensor
) -> tuple[EpisodeState, EpisodeSummary]:
    """Follows the episodes through a rollout.

    R_t = r_t + (1 − ended_{t−1}) R_{t−1}, and likewise the length with r = 1; a step that is not valid adds nothing.

    Args:
        state: the episodes under way.
        reward: [T, N] float32; ended (either way) and valid: [T, N] bool.
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
