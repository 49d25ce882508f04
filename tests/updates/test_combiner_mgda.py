"""MGDA finds the shortest vector in the convex hull of the rows."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.updates.combiners import mgda_weights

PROPERTY = settings(max_examples=80, deadline=None, derandomize=True)
WEIGHTS = tf.function(mgda_weights, autograph=False)

# A minimum is known to the root of float64's 2.2e-16, 1.5e-8; a factor of six for the sums.
ROOT = 1e-7


@st.composite
def rows(draw):
    """[m, n] rows in general position, n < m included, with lengths from 1e-6 to 1."""
    num_rows, size = draw(st.integers(2, 6)), draw(st.integers(1, 8))
    jacobian = np.random.default_rng(draw(st.integers(0, 10**6))).normal(size=(num_rows, size))
    lengths = 10.0 ** np.array(draw(st.lists(st.floats(-6, 0), min_size=num_rows, max_size=num_rows)))
    return jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True) * lengths[:, None]


def _weights(jacobian):
    return WEIGHTS(tf.constant(jacobian @ jacobian.T)).numpy()


@PROPERTY
@given(jacobian=rows())
def test_weights_lie_on_the_simplex(jacobian):
    weights = _weights(jacobian)
    assert np.all(weights >= 0.0)
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-15 * len(weights))  # one division each, one sum


@PROPERTY
@given(jacobian=rows(), seed=st.integers(0, 10**6))
def test_update_is_no_longer_than_any_convex_combination(jacobian, seed):
    rng, num_rows = np.random.default_rng(seed), len(jacobian)
    others = [*np.eye(num_rows), np.full(num_rows, 1.0 / num_rows), *rng.dirichlet(np.full(num_rows, 0.5), size=50)]
    norm, lengths = np.linalg.norm(jacobian.T @ _weights(jacobian)), np.linalg.norm(jacobian, axis=1)
    for other in others:
        assert norm <= np.linalg.norm(jacobian.T @ other) + ROOT * (other @ lengths)


@PROPERTY
@given(jacobian=rows())
def test_update_conflicts_with_no_row_and_every_row_reaches_as_far_as_itself(jacobian):
    """x is the shortest vector of a convex hull if and only if x·g ≥ x·x for every g in it."""
    update, lengths = jacobian.T @ _weights(jacobian), np.linalg.norm(jacobian, axis=1)
    error = ROOT * lengths.max()
    assert np.all(jacobian @ update >= -lengths * error)
    assert np.all(jacobian @ update - update @ update >= -(lengths + np.linalg.norm(update)) * error)


@pytest.mark.parametrize(
    ("jacobian", "expected"),
    [
        ([[2.0, 0.0], [0.0, 1.0]], [0.2, 0.8]),  # w ∝ 1/n² for orthogonal rows
        ([[1.0, 0.0], [3.0, 4.0]], [1.0, 0.0]),  # g_1·g_2 > |g_1|²: the shorter row alone
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [1 / 3, 1 / 3, 1 / 3]),
        ([[1.0, 1.0], [-1.0, 1.0], [0.0, 5.0]], [0.5, 0.5, 0.0]),  # (0, 1); the third is beyond it
        ([[1.0, 0.0], [-3.0, 0.0], [0.0, 0.0]], None),  # the hull holds 0
        ([[2.0, 0.0], [0.0, 0.0], [0.0, 2.0], [1.0, 1.0]], None),
    ],
)
def test_small_hulls_by_hand(jacobian, expected):
    jacobian = np.array(jacobian)
    weights = _weights(jacobian)
    update = jacobian.T @ weights
    # Elimination in integers of one digit: a few roundings.
    np.testing.assert_allclose(update, 0.0 * update if expected is None else jacobian.T @ expected, rtol=0, atol=1e-14)
    if expected is not None:
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_opposite_small_rows_cancel_beside_a_large_one(seed):
    """The answer is 0, and the large row takes no part in it: what is left is to be small beside the small rows."""
    rng = np.random.default_rng(seed)
    small, large = 1e-6 * rng.normal(size=3), rng.normal(size=3)
    jacobian = np.array([small, -rng.uniform(0.5, 3.0) * small, large])
    assert np.linalg.norm(jacobian.T @ _weights(jacobian)) <= ROOT * np.linalg.norm(small)
