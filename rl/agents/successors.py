"""The values of each step's own successor, without a second pass over the whole trajectory where one will do."""

from collections.abc import Callable

import tensorflow as tf

from rl.environments import Trajectory

Value = Callable[[tf.Tensor], tf.Tensor]


def successor_values(
    value: Value, trajectory: Trajectory, known: tf.Tensor | None, *, max_episode_steps: int | None
) -> tf.Tensor:
    """v_t: the value of the observation that a step's action led to.

    Within an episode that is the value of the next step's observation, which is known already. New ones are those after
    the last step and at truncations, of which an environment with a time limit H has at most ⌈T/H⌉ in T steps. After a
    termination v_t is multiplied by a discount of 0, and is not the successor's.

    Args:
        value: observations [B, ...] → [B].
        trajectory: of T steps in N environments.
        known: [T, N] values of the steps' observations, by the same weights, of an environment that resets within the
            step; None takes all values anew.
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
