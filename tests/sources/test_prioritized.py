"""Prioritised replay: draws in proportion to priorities, importance weights, and what new steps get."""

import numpy as np
import pytest
import tensorflow as tf

from rl.sources import PrioritizedReplay, sums


def filled(numbers, runs=()):
    """The sums of an array [M] or [S, M]."""
    empty = sums.empty(numbers.shape[-1])
    if runs:
        empty = tf.nest.map_structure(lambda x: tf.repeat(x[None], runs[0], 0), empty)
    return sums.replaced(empty, tf.range(numbers.shape[-1]), tf.constant(numbers, tf.float32), runs)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 100, 1000, 1001])
def test_block_sums_are_those_of_the_numbers(size):
    numbers = np.random.default_rng(size).random(size)
    found = filled(numbers)
    edge = found.totals.shape[0]
    assert edge**3 >= size
    assert (edge - 1) ** 3 < max(size, 2) * 2
    whole = np.zeros(edge**3)
    whole[:size] = numbers
    np.testing.assert_allclose(found.numbers, whole.reshape(edge, edge, edge), rtol=1e-6)
    np.testing.assert_allclose(found.blocks, whole.reshape(edge, edge, edge).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(found.totals, whole.reshape(edge, -1).sum(-1), rtol=1e-5)


def test_a_draw_is_the_inverse_of_the_prefix_sum():
    """Against NumPy's search in the cumulative sum; numbers are whole, so that sums are exact."""
    random = np.random.default_rng(0)
    numbers = random.integers(0, 4, 500).astype(float)
    uniform = (random.integers(0, 2**20, 4000) + 0.5) / 2**20
    leaves, found = sums.found(filled(numbers), tf.constant(uniform, tf.float32))
    expected = np.searchsorted(np.cumsum(numbers), np.float32(uniform).astype(float) * numbers.sum(), side="right")
    assert np.mean(leaves.numpy() == expected) > 0.999  # u Σ p is rounded to float32
    assert np.abs(leaves.numpy() - expected).max() <= 3
    np.testing.assert_array_equal(found, numbers[leaves])
    assert found.numpy().min() > 0


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1.0 - 2.0**-24])
def test_a_number_of_zero_is_never_drawn(uniform):
    """Wherever the only positive number stands, and whatever the magnitudes."""
    for place in (0, 3, 26, 63, 64, 99):
        for size in (1e-20, 1.0, 1e20):
            numbers = np.zeros(100)
            numbers[place] = size
            leaf, _ = sums.found(filled(numbers), tf.constant([uniform]))
            assert int(leaf[0]) == place


def test_frequencies_follow_the_numbers():
    """χ² over 60 numbers, 60,000 draws: within five standard deviations of its mean."""
    random = np.random.default_rng(1)
    numbers = random.random(60) ** 3
    leaves, _ = sums.found(filled(numbers), tf.constant(random.random(60_000), tf.float32))
    expected = 60_000 * numbers / numbers.sum()
    count = np.bincount(leaves.numpy(), minlength=60)
    assert np.sum((count - expected) ** 2 / np.maximum(expected, 1)) < 59 + 5 * np.sqrt(2 * 59)


def test_several_runs_are_each_alone():
    random = np.random.default_rng(2)
    numbers, uniform = random.random((3, 50)), tf.constant(random.random((3, 20)), tf.float32)
    together = filled(numbers, (3,))
    leaves, found = sums.found(together, uniform, (3,))
    changed = sums.replaced(together, leaves, 2.0 * found, (3,))
    for run in range(3):
        alone = filled(numbers[run])
        own, number = sums.found(alone, uniform[run])
        np.testing.assert_array_equal(leaves[run], own)
        after = sums.replaced(alone, own, 2.0 * number)
        for ours, theirs in zip(changed, after, strict=True):
            np.testing.assert_allclose(ours[run], theirs, rtol=1e-6)


NUM_ENVS, ROWS = 2, 6


def source(length=1, **more):
    settings = {"exponent": 1.0, "correction": 1.0, "offset": 1e-6, **more}
    return PrioritizedReplay(ROWS * NUM_ENVS, 64, 1, length, **settings)


def steps(first, length, valid=True):
    from rl.environments import Trajectory

    number = tf.cast(first + tf.range(length), tf.float32)[:, None] * tf.ones((1, NUM_ENVS))
    flag = tf.zeros((length, NUM_ENVS), tf.bool)
    return Trajectory(number, number, number, flag, flag, number, flag | valid)


def memory(own, written):
    kept = own.init(tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape[1:], x.dtype), steps(0, 1)))
    for first in range(written):
        kept = own.put(kept, steps(first, 1), tf.constant(first, tf.int64))
    return kept


def priorities(kept):
    return np.ravel(kept.priorities.numbers)[: ROWS * NUM_ENVS].reshape(ROWS, NUM_ENVS)


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("written", [1, 2, 4, 6, 9])
def test_windows_that_are_whole_get_the_highest_priority_and_no_other(length, written):
    own = source(length)
    found = priorities(memory(own, written))
    there = range(max(written - ROWS, 0), written - length + 1)
    expected = np.zeros((ROWS, NUM_ENVS))
    for number in there:
        expected[number % ROWS] = 1.0
    np.testing.assert_array_equal(found, expected)


def test_no_window_crosses_the_seam_and_every_step_follows_the_one_before():
    own = source(3)
    kept = memory(own, 9)
    uniform = own.drawn(tf.constant([3, 4]), tf.constant(9, tf.int64), tf.constant(0, tf.int64), num_envs=NUM_ENVS)
    windows, _ = own.windows(kept, uniform)
    first = windows.steps.reward[:, 0]
    np.testing.assert_array_equal(windows.steps.reward, first[:, None] + [0.0, 1.0, 2.0])
    assert set(first.numpy()) == {3.0, 4.0, 5.0, 6.0}


def test_errors_set_priorities_and_weights_correct_them():
    """p = (|δ| + ε)^α by hand; w = (P / min P)^−β; the highest is kept for new steps; NaN leaves what was."""
    own = source(exponent=0.5, correction=0.4, offset=0.01)
    kept = memory(own, 6)
    leaves = tf.range(12)
    errors = tf.constant([*np.linspace(0.0, 9.0, 11), np.nan], tf.float32)
    kept = own.told(kept, leaves, errors)
    expected = np.append(np.sqrt(np.linspace(0.0, 9.0, 11) + 0.01), 1.0)
    np.testing.assert_allclose(priorities(kept).ravel(), expected, rtol=1e-5)
    np.testing.assert_allclose(kept.highest, expected.max(), rtol=1e-6)
    uniform = own.drawn(tf.constant([3, 4]), tf.constant(6, tf.int64), tf.constant(0, tf.int64), num_envs=NUM_ENVS)
    windows, places = own.windows(kept, uniform)
    drawn = expected[places]
    np.testing.assert_allclose(windows.weight, (drawn / drawn.min()) ** -0.4, rtol=1e-4)
    kept = own.put(kept, steps(6, 1), tf.constant(6, tf.int64))
    np.testing.assert_allclose(priorities(kept)[0], expected.max(), rtol=1e-6)


def test_invalid_steps_are_never_drawn():
    own = source()
    kept = memory(own, 3)
    kept = own.put(kept, steps(3, 1, valid=False), tf.constant(3, tf.int64))
    assert not priorities(kept)[3].any()
    kept = own.told(kept, tf.constant([6, 7]), tf.constant([5.0, 5.0]))
    assert not priorities(kept)[3].any()


def test_a_whole_run_draws_what_is_surprising(build):
    """SAC with priorities: after learning, the steps' priorities are their errors' powers, and two seeds train."""
    experiment = build(
        *("agent=sac", "environment=compiled/pendulum", "num_envs=2", "agent.ticks=6", "agent.batch_size=8"),
        *("agent.warmup_steps=12", "agent.critic_widths=[7]", "network.torso.widths=[6]", "replay=prioritized"),
        *("replay.capacity=40", "probe=none", "agent.n_step=2", "seeds=2"),
    )
    experiment.programs(probe_every=100).iterate(3)
    kept = experiment.variables.sources["update"]
    numbers = np.reshape(kept.priorities.numbers, (2, -1))[:, :36]
    assert (numbers[:, :-2] > 0).all()
    assert not numbers[:, 34:36].any()  # the newest row begins no window of two yet
    assert len(np.unique(numbers[0])) > 10
    np.testing.assert_allclose(kept.priorities.totals.numpy().sum(-1), numbers.sum(-1), rtol=1e-4)
