"""Steps as a ring holds them: three flags in one byte."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import Trajectory
from rl.sources import ring

_TERMINATED, _TRUNCATED, _VALID = 1, 2, 4


class Rows(NamedTuple):
    """Steps [..., N, ...]; the fields are those of `Trajectory`, but for the flags.

    A ring of flags that an environment never changes would be a constant to XLA, which then copies it at every write.
    """

    observation: Any
    action: tf.Tensor
    reward: tf.Tensor
    flags: tf.Tensor
    """uint8: 1 if terminated, plus 2 if truncated, plus 4 if valid."""
    next_observation: Any
    extras: Any = ()


def packed(steps: Trajectory) -> Rows:
    """Steps as rows."""
    flags = zip((_TERMINATED, _TRUNCATED, _VALID), (steps.terminated, steps.truncated, steps.valid), strict=True)
    byte = tf.add_n([bit * tf.cast(flag, tf.int32) for bit, flag in flags])
    return Rows(
        steps.observation, steps.action, steps.reward, tf.cast(byte, tf.uint8), steps.next_observation, steps.extras
    )


def unpacked(rows: Rows) -> Trajectory:
    """Rows as steps."""
    return Trajectory(
        rows.observation,
        rows.action,
        rows.reward,
        _is_set(rows.flags, _TERMINATED),
        _is_set(rows.flags, _TRUNCATED),
        rows.next_observation,
        valid(rows),
        rows.extras,
    )


def truncated(rows: Rows, written: tf.Tensor, runs: tuple[int, ...] = ()) -> Rows:
    """A ring [R, N, ...] whose newest row is truncated where it neither terminated nor was spent on a reset.

    Args: written: rows written before, [] int64; runs: (S,) if there is a leading axis of S runs.
    """
    axis, before = len(runs), tf.cast((written - 1) % rows.flags.shape[len(runs)], tf.int32)
    newest = tf.gather(rows.flags, before[None], axis=axis)
    goes_on = _is_set(newest, _VALID) & ~_is_set(newest, _TERMINATED)
    marked = tf.where(goes_on, tf.bitwise.bitwise_or(newest, tf.constant(_TRUNCATED, tf.uint8)), newest)
    return rows._replace(flags=ring.write(rows.flags, marked, written - 1, runs))


def invalid(rows: Rows, written: tf.Tensor, count: int, runs: tuple[int, ...] = ()) -> Rows:
    """A ring in which the places of the next `count` rows are those of invalid steps.

    Args: written: rows written before, [] int64; runs: (S,) if there is a leading axis of S runs.
    """
    shape = rows.flags.shape
    nothing = tf.zeros((*runs, count, *shape[len(runs) + 1 :]), tf.uint8)
    return rows._replace(flags=ring.write(rows.flags, nothing, written, runs))


def valid(rows: Rows) -> tf.Tensor:
    """Whether each step is valid, bool."""
    return _is_set(rows.flags, _VALID)


def _is_set(flags: tf.Tensor, bit: int) -> tf.Tensor:
    """Whether a bit is set, bool."""
    return tf.bitwise.bitwise_and(flags, tf.constant(bit, tf.uint8)) > 0


def spec(step: Trajectory) -> Rows:
    """The TensorSpecs of a row, from those of a step."""
    flags = tf.TensorSpec(step.valid.shape, tf.uint8)
    return Rows(step.observation, step.action, step.reward, flags, step.next_observation, step.extras)
