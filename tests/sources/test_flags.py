"""Steps as a ring holds them: three flags in one byte, and the newest step of an episode that does not go on."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rl.environments import Trajectory
from rl.sources import rows
from rl.sources.prioritized import PrioritizedReplay
from rl.sources.replay import Replay

FLAGS = np.array(list(itertools.product([False, True], repeat=3)))
"""All eight combinations of terminated, truncated and valid."""
NUM_ROWS, NUM_ENVS = 3, len(FLAGS)


def steps(length):
    """Steps [T, 8], each with another combination of flags in each environment."""
    number = tf.cast(tf.range(length * NUM_ENVS), tf.float32)
    number, flags = tf.reshape(number, (length, NUM_ENVS)), (tf.tile(x[None], (length, 1)) for x in FLAGS.T)
    terminated, truncated, valid = flags
    return Trajectory(number, number + 1, number + 2, terminated, truncated, number + 3, valid)


def test_flags_come_back():
    taken = steps(2)
    for found, expected in zip(tf.nest.flatten(rows.unpacked(rows.packed(taken))), tf.nest.flatten(taken), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("source", ["uniform", "prioritized"])
@pytest.mark.parametrize("runs", [(), (2,)])
@pytest.mark.parametrize("written", [1, 2, 3, 5])
def test_the_newest_step_of_a_broken_episode_is_truncated_and_the_oldest_row_is_lost(source, runs, written):
    """Where it neither terminated nor was spent on a reset; row k is at place k mod 3."""
    own = Replay(NUM_ROWS * NUM_ENVS, 4, 1)
    if source == "prioritized":
        own = PrioritizedReplay(NUM_ROWS * NUM_ENVS, 4, 1, 1, exponent=1.0, correction=1.0, offset=1e-6)
    kept = own.init(tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape[1:], x.dtype), steps(1)))
    if runs:
        kept = tf.nest.map_structure(lambda x: tf.stack([x, x]), kept)
    for number in range(written):
        taken = tf.nest.map_structure(lambda x: tf.broadcast_to(x, (*runs, *x.shape)), steps(1))
        kept = own.put(kept, taken, tf.constant(number, tf.int64), runs)
    after = own.interrupted(kept, tf.constant(written, tf.int64), 1, runs)

    def flags(memory):
        steps = rows.unpacked(memory.rows if source == "prioritized" else memory)
        return [np.array(x) for x in (steps.terminated, steps.truncated, steps.valid)]

    terminated, already, valid = FLAGS.T
    expected = flags(kept)
    expected[1][..., (written - 1) % NUM_ROWS, :] = already | (valid & ~terminated)
    for one in expected:
        one[..., written % NUM_ROWS, :] = False
    for one, other in zip(flags(after), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    if source == "prioritized":
        before, found = (np.array(x.priorities.numbers).reshape(*runs, -1) for x in (kept, after))
        begin = written % NUM_ROWS * NUM_ENVS
        before[..., begin : begin + NUM_ENVS] = 0.0
        np.testing.assert_array_equal(found, before)
        kept, after = kept.rows, after.rows
    for field in ("observation", "action", "reward", "next_observation"):
        np.testing.assert_array_equal(getattr(after, field), getattr(kept, field))
