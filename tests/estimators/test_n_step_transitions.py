"""n-step transitions by hand, against a slow loop, and against the n-step return."""

import numpy as np
import pytest
import tensorflow as tf

from rl.estimators import discounts, n_step_returns, n_step_transitions


def slow(reward, terminated, truncated, gamma):
    """Step by step, one window at a time."""
    lines = []
    for r, terminal, cut in zip(reward, terminated, truncated, strict=True):
        total, factor = 0.0, 1.0
        for k in range(len(r)):
            total += factor * r[k]
            factor *= 0.0 if terminal[k] else gamma
            if terminal[k] or cut[k]:
                break
        lines.append((total, factor, k))
    return [np.array(column) for column in zip(*lines, strict=True)]


def test_three_steps_by_hand():
    """γ = ½, r = 1, 2, 4: whole window 1 + 1 + 1; terminated or truncated at the second step 1 + 1."""
    reward = tf.constant([[1.0, 2.0, 4.0]] * 3)
    second, never = [False, True, False], [False] * 3
    found = n_step_transitions(
        reward, tf.constant([never, second, never]), tf.constant([never, never, second]), gamma=0.5
    )
    np.testing.assert_allclose(found.reward, [3.0, 2.0, 2.0])
    np.testing.assert_allclose(found.discount, [0.125, 0.0, 0.25])
    np.testing.assert_array_equal(found.last, [2, 1, 1])


@pytest.mark.parametrize("length", [1, 2, 3, 5])
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_the_slow_loop(length, dtype, atol):
    random = np.random.default_rng(length)
    reward = random.normal(size=(200, length)).astype(dtype)
    terminated, truncated = random.random((2, 200, length)) < 0.2
    found = n_step_transitions(tf.constant(reward), tf.constant(terminated), tf.constant(truncated), gamma=0.9)
    for ours, expected in zip(found, slow(reward, terminated, truncated, 0.9), strict=True):
        np.testing.assert_allclose(ours, expected, atol=atol)


def test_it_is_the_n_step_return():
    """r + γ' v(s') is G^(n) of the first step, with v of each step's own successor."""
    random = np.random.default_rng(7)
    reward, v = random.normal(size=(2, 50, 4)).astype(np.float32)
    terminated, truncated = (tf.constant(x) for x in random.random((2, 50, 4)) < 0.2)
    found = n_step_transitions(tf.constant(reward), terminated, truncated, gamma=0.9)
    target = found.reward + found.discount * tf.gather(v, found.last, batch_dims=1)
    discount_t, continues_t = discounts(tf.transpose(terminated), tf.transpose(truncated), gamma=0.9, lambda_=1.0)
    returns = n_step_returns(tf.transpose(reward), discount_t, tf.transpose(v), continues_t, n=4)
    np.testing.assert_allclose(target, returns[0], rtol=1e-5, atol=1e-6)


def test_nothing_behind_the_end_has_any_influence():
    reward = np.ones((2, 3), np.float32)
    ends = np.array([[True, False, False]] * 2)
    never = np.zeros_like(ends)
    spoilt = reward.copy()
    spoilt[:, 1:] = np.nan
    for flags in ((ends, never), (never, ends)):
        clean, dirty = (
            n_step_transitions(tf.constant(r), *map(tf.constant, flags), gamma=0.9) for r in (reward, spoilt)
        )
        for one, other in zip(clean, dirty, strict=True):
            np.testing.assert_array_equal(one, other)
