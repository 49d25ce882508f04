"""Returns and lengths of episodes against a loop that walks through them one step at a time."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.learning.episodes import EpisodeState, EpisodeSummary, follow_episodes, no_episodes

EPS = np.finfo(np.float32).eps
MODES = {"eager": lambda f: f, "compiled": lambda f: tf.function(f, jit_compile=True, autograph=False)}


@st.composite
def rollouts(draw):
    """One to four rollouts of (reward, ended, valid), [T, N]; a step on which nothing was done ends no episode."""
    num_envs, found = draw(st.integers(1, 3)), []
    for length in draw(st.lists(st.integers(1, 8), min_size=1, max_size=4)):
        shape = (length, num_envs)
        reward = draw(hnp.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32)))
        ended, valid = draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))
        found.append((reward, ended & valid, valid))
    return found


class Walk:
    """The brute-force twin: a running return and length for every environment, in double precision."""

    def __init__(self, num_envs):
        self.returns, self.lengths = [0.0] * num_envs, [0] * num_envs

    def follow(self, reward, ended, valid):
        """The returns and lengths of the episodes that ended, in any order."""
        finished = []
        for t, n in np.ndindex(reward.shape):
            if valid[t, n]:
                self.returns[n] += float(reward[t, n])
                self.lengths[n] += 1
            if ended[t, n]:
                finished.append((self.returns[n], self.lengths[n]))
                self.returns[n], self.lengths[n] = 0.0, 0
        return finished


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rollouts())
def test_equal_the_walk_over_several_rollouts(found):
    """A return has at most 32 rewards below 100, with a few roundings each; a sum of returns has at most 24 of them."""
    num_envs = found[0][0].shape[1]
    state, walk = no_episodes(num_envs), Walk(num_envs)
    bound = 4 * 32 * 100 * EPS
    for rollout in found:
        state, summary = follow_episodes(state, *rollout)
        finished = np.array(walk.follow(*rollout)).reshape(-1, 2)
        returns, lengths = finished[:, 0], finished[:, 1]
        assert float(summary.count) == len(finished)
        assert float(summary.length_sum) == lengths.sum()
        np.testing.assert_allclose(summary.return_sum, returns.sum(), rtol=0, atol=24 * bound)
        np.testing.assert_allclose(summary.return_min, returns.min(initial=np.inf), rtol=0, atol=bound)
        np.testing.assert_allclose(summary.return_max, returns.max(initial=-np.inf), rtol=0, atol=bound)
        np.testing.assert_allclose(state.returns, walk.returns, rtol=0, atol=bound)
        np.testing.assert_array_equal(state.lengths, walk.lengths)


@pytest.mark.parametrize("mode", list(MODES))
def test_by_hand(mode):
    """Environment 0 goes on from return 10, length 5: 10 + 1 + 2 = 13 after 7 steps, then 4 under way.

    Environment 1 ends at once with 1; a reset is not counted though it carries a reward; then 8 under way.
    """
    state = EpisodeState(tf.constant([10.0, 0.0]), tf.constant([5.0, 0.0]))
    reward = tf.constant([[1.0, 1.0], [2.0, 64.0], [4.0, 8.0]])
    ended = tf.constant([[False, True], [True, False], [False, False]])
    valid = tf.constant([[True, True], [True, False], [True, True]])
    state, summary = MODES[mode](follow_episodes)(state, reward, ended, valid)
    expected = EpisodeSummary(count=2, return_sum=14, return_min=1, return_max=13, length_sum=8)
    assert EpisodeSummary(*map(float, summary)) == expected
    np.testing.assert_array_equal(state.returns, [4.0, 8.0])
    np.testing.assert_array_equal(state.lengths, [1.0, 1.0])


def test_nothing_ended():
    state, summary = follow_episodes(no_episodes(2), tf.ones((3, 2)), tf.zeros((3, 2)) > 0, tf.ones((3, 2)) > 0)
    assert EpisodeSummary(*map(float, summary)) == EpisodeSummary(0, 0, np.inf, -np.inf, 0)
    np.testing.assert_array_equal(state.returns, [3.0, 3.0])
    np.testing.assert_array_equal(state.lengths, [3.0, 3.0])


def test_an_end_at_the_rollouts_last_step_leaves_nothing_under_way():
    ended = tf.constant([[False], [True]])
    state, summary = follow_episodes(no_episodes(1), tf.ones((2, 1)), ended, tf.ones((2, 1)) > 0)
    assert (float(state.returns[0]), float(state.lengths[0])) == (0.0, 0.0)
    assert (float(summary.return_sum), float(summary.length_sum)) == (2.0, 2.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rollouts(), st.data())
def test_where_a_rollout_is_cut_does_not_matter(found, data):
    """Rewards rounded to integers make every sum exact, whatever its order."""
    reward, ended, valid = found[0]
    rollout, cut = (np.round(reward), ended, valid), data.draw(st.integers(0, len(reward)))
    num_envs = reward.shape[1]
    whole_state, whole = follow_episodes(no_episodes(num_envs), *rollout)
    state, parts = no_episodes(num_envs), []
    for part in ([x[:cut] for x in rollout], [x[cut:] for x in rollout]):
        if len(part[0]):
            state, summary = follow_episodes(state, *part)
            parts.append(summary)
    tf.nest.map_structure(np.testing.assert_array_equal, state, whole_state)
    counts, sums, least, most, lengths = zip(*parts, strict=True)
    together = EpisodeSummary(sum(counts), sum(sums), min(least), max(most), sum(lengths))
    tf.nest.map_structure(np.testing.assert_array_equal, together, whole)


def test_an_end_changes_nothing_before_it():
    """Other rewards after the end of step 1: the episode that ended keeps its return, bit for bit."""
    ended, valid = tf.constant([[False], [True], [False], [False]]), tf.ones((4, 1)) > 0
    for later in (0.0, 1e6):
        _, summary = follow_episodes(no_episodes(1), tf.constant([[0.1], [0.2], [later], [later]]), ended, valid)
        assert float(summary.return_sum) == float(np.float32(0.1) + np.float32(0.2))
