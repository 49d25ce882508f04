"""The value of each step's successor, without a second forward pass over the whole trajectory where possible."""

from collections.abc import Callable

import tensorflow as tf

from rl.environments import Trajectory

Value = Callable[[tf.Tensor], tf.Tensor]


def successor_values(
    value: Value, trajectory: Trajectory, known: tf.Tensor | None, *, max_episode_steps: int | None
) -> tf.Tensor:
    """v_t: the values of the observations that the actions led to.

    Within an episode v_t is the value of the next step's observation, which is known already. Only the observations
    after the last step and at truncations need a forward pass; an environment with a time limit H ≥ T has at most one
    truncation in T steps. For H < T all values are computed. After a termination v_t is not the successor's value, and
    is multiplied by a discount of 0.

    Args:
        value: observations [B, ...] → [B].
        trajectory: a trajectory of T steps in N environments.
        known: [T, N] values of the steps' observations at the same weights, for environments that reset within the
            step; None computes all values.
        max_episode_steps: H; None for no limit.
    Returns: [T, N].
    """
    length, num_envs = trajectory.reward.shape
    frames = tf.reshape(trajectory.next_observation, (length * num_envs, *trajectory.next_observation.shape[2:]))
    limited = max_episode_steps is not None
    if known is None or (limited and max_episode_steps < length):
        return tf.reshape(value(frames), (length, num_envs))
    ends = frames[-num_envs:]
    if limited:
        cut = tf.argmax(tf.cast(trajectory.truncated, tf.int32), 0, output_type=tf.int32)  # 0 where there is none
        ends = tf.concat([ends, tf.gather(frames, cut * num_envs + tf.range(num_envs))], 0)
    values = tf.reshape(value(ends), (-1, num_envs))
    v_t = tf.concat([known[1:], values[:1]], 0)
    return tf.where(trajectory.truncated, values[1:], v_t) if limited else v_t
