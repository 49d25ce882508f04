"""Returns against their definition episode by episode, and the identities between them."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators import discounted_returns, discounts, lambda_returns, n_step_returns

# Rewards and values are at most 10, γ at most 1 and T at most 7, so that no partial sum exceeds 80; every one of the
# fewer than 50 operations rounds by at most half of 2⁻²³ of that.
ATOL = 50 * 80 * 2.0**-24


@st.composite
def trajectories(draw):
    """(r_t, v_t, terminated, truncated), [T, B]; a step may be both terminated and truncated."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=7))
    r, v = (draw(hnp.arrays(np.float32, shape, elements=st.floats(-10, 10, width=32))) for _ in range(2))
    end = draw(hnp.arrays(np.int8, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 3])))
    return r, v, end % 2 == 1, end >= 2


rates = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=32))


def n_step_by_definition(r, v, terminated, ended, t, n, gamma):
    """Σ_{k<n} γ^k r_{t+k} + γ^n v, with fewer rewards where the episode or the batch ends before."""
    total, factor = 0.0, 1.0
    for k in range(t, min(t + n, len(r))):
        total, factor = total + factor * r[k], factor * gamma
        if ended[k] or k == min(t + n, len(r)) - 1:
            return total + (0.0 if terminated[k] else factor * v[k])
    raise AssertionError


def lambda_by_definition(r, v, terminated, ended, t, lambda_, gamma):
    """(1 − λ) Σ_{n<h} λ^{n−1} G^(n) + λ^{h−1} G^(h), h steps to the end of the episode or the batch."""
    h = next((k - t + 1 for k in range(t, len(r)) if ended[k]), len(r) - t)
    g = [n_step_by_definition(r, v, terminated, ended, t, n, gamma) for n in range(1, h + 1)]
    return (1 - lambda_) * sum(lambda_**i * g[i] for i in range(h - 1)) + lambda_ ** (h - 1) * g[-1]


def each(function, r, v, terminated, truncated, *rest):
    """A definition at every step of every environment."""
    arrays = [x.astype(np.float64) for x in (r, v)] + [terminated, terminated | truncated]
    return [[function(*(x[:, b] for x in arrays), t, *rest) for b in range(r.shape[1])] for t in range(len(r))]


def column(*numbers):
    return tf.constant(numbers, tf.float32)[:, None]


def test_discounted_returns_by_hand():
    """γ = ½: G_2 = 1 + ½·4 = 3, G_1 = 1 + ½·3 = 2.5, G_0 = 1 + ½·2.5 = 2.25."""
    g = discounted_returns(column(1, 1, 1), column(0.5, 0.5, 0.5), column(9, 9, 4), column(1, 1, 1))
    np.testing.assert_array_equal(g[:, 0], [2.25, 2.5, 3.0])


def test_a_terminated_step_takes_nothing_from_the_future_and_a_truncated_one_its_own_final_value():
    """γ = ½, r = (1, 2, 4), v = (8, 16, 32). Ended at step 1: G_1 is 2, or 2 + ½·16 = 10; G_0 = 1 + ½ G_1."""
    r, v, no, at_1 = column(1, 2, 4), column(8, 16, 32), column(0, 0, 0) > 0, column(0, 1, 0) > 0
    for terminated, truncated, expected in ((at_1, no, [2, 2, 20]), (no, at_1, [6, 10, 20]), (at_1, at_1, [2, 2, 20])):
        discount_t, continues_t = discounts(terminated, truncated, gamma=0.5, lambda_=1.0)
        np.testing.assert_array_equal(discounted_returns(r, discount_t, v, continues_t)[:, 0], expected)


def test_discounts_by_hand():
    """Neither, terminated, truncated, both: only a termination stops the discount, either stops the trace."""
    terminated, truncated = column(0, 1, 0, 1) > 0, column(0, 0, 1, 1) > 0
    discount_t, lambda_t = discounts(terminated, truncated, gamma=0.5, lambda_=0.25)
    np.testing.assert_array_equal(discount_t[:, 0], [0.5, 0.0, 0.5, 0.0])
    np.testing.assert_array_equal(lambda_t[:, 0], [0.25, 0.0, 0.0, 0.0])


def test_two_step_returns_by_hand():
    """γ = ½: G_0 = 1 + ½·2 + ¼·16 = 6, G_1 = 2 + ½·4 + ¼·32 = 12, and G_2 = 4 + ½·32 = 20, cut by the batch."""
    g = n_step_returns(column(1, 2, 4), column(0.5, 0.5, 0.5), column(8, 16, 32), column(1, 1, 1), n=2)
    np.testing.assert_array_equal(g[:, 0], [6.0, 12.0, 20.0])


def test_n_below_one_is_refused():
    with pytest.raises(ValueError, match="n >= 1, got 0"):
        n_step_returns(column(1), column(1), column(1), column(1), n=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trajectories(), rates, rates, st.integers(1, 9))
def test_equal_their_definitions_and_each_other(trajectory, gamma, lambda_, n):
    r, v, terminated, truncated = trajectory
    discount_t, lambda_t = discounts(terminated, truncated, gamma=gamma, lambda_=lambda_)
    _, one = discounts(terminated, truncated, gamma=gamma, lambda_=1.0)
    full = discounted_returns(r, discount_t, v, one)
    for ours, definition, parameter in (
        (n_step_returns(r, discount_t, v, one, n=n), n_step_by_definition, n),
        (lambda_returns(r, discount_t, v, lambda_t), lambda_by_definition, lambda_),
        (n_step_returns(r, discount_t, v, one, n=len(r)), lambda_by_definition, 1.0),
        (full, n_step_by_definition, len(r)),
        (lambda_returns(r, discount_t, v, tf.zeros_like(one)), n_step_by_definition, 1),
    ):
        expected = each(definition, *trajectory, parameter, gamma)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=ATOL)
    np.testing.assert_array_equal(n_step_returns(r, discount_t, v, one, n=1), r + discount_t * v)


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_nothing_after_an_end_changes_what_is_before_it(end):
    rng = np.random.default_rng(5)
    r, v = rng.normal(size=(2, 9, 1)).astype(np.float32)
    ends = {
        name: np.arange(9)[:, None] == 3 if name == end else np.zeros((9, 1), bool)
        for name in ("terminated", "truncated")
    }
    other_r, other_v = (np.where(np.arange(9)[:, None] > 3, 1e4, x).astype(np.float32) for x in (r, v))
    for estimator, lambda_ in (
        (lambda_returns, 0.9),
        (discounted_returns, 1.0),
        (lambda *arrays: n_step_returns(*arrays, n=4), 1.0),
    ):
        discount_t, lambda_t = discounts(**ends, gamma=0.9, lambda_=lambda_)
        before, after = estimator(r, discount_t, v, lambda_t), estimator(other_r, discount_t, other_v, lambda_t)
        np.testing.assert_array_equal(before[:4], after[:4])
        assert np.all(before[4:] != after[4:])


def test_the_true_value_of_a_constant_reward_is_a_fixed_point():
    """r = 1, γ = ½, v = 1/(1 − γ) = 2: every target is 1 + ½·2 = 2, exactly so in powers of two."""
    r, v, gamma, on = tf.ones((6, 1)), tf.fill((6, 1), 2.0), tf.fill((6, 1), 0.5), tf.ones((6, 1))
    for g in (
        lambda_returns(r, gamma, v, 0.25 * on),
        n_step_returns(r, gamma, v, on, n=3),
        discounted_returns(r, gamma, v, on),
    ):
        np.testing.assert_array_equal(g, v)


def test_gradients_of_lambda_returns_by_hand():
    """Of G_0 with γ = λ = ½: ∂/∂r_t = (γλ)^t; ∂/∂v_t = γ (1 − λ)(γλ)^t, and γ (γλ)^t at the batch's end."""
    r, v = tf.ones((3, 1)), tf.ones((3, 1))
    with tf.GradientTape() as tape:
        tape.watch([r, v])
        first = lambda_returns(r, tf.fill((3, 1), 0.5), v, tf.fill((3, 1), 0.5))[0, 0]
    d_r, d_v = tape.gradient(first, [r, v])
    np.testing.assert_array_equal(d_r[:, 0], [1.0, 1 / 4, 1 / 16])
    np.testing.assert_array_equal(d_v[:, 0], [1 / 4, 1 / 16, 1 / 32])
