"""What theory says of each combiner: no conflict, equal projections, least norm, closed forms for two rows."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rl.updates.combiners import config_weights, imtl_g_weights, mgda_weights, pcgrad_weights

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
GRAPHS = {
    "config": tf.function(config_weights, autograph=False),
    "imtl_g": tf.function(imtl_g_weights, autograph=False),
    "mgda": tf.function(mgda_weights, autograph=False),
    "pcgrad": tf.function(lambda gramian: pcgrad_weights(gramian, tf.constant([[0, 1], [1, 0]])), autograph=False),
}

# The unit rows below have a cosine matrix with a condition number of at most 6e3; times float64's 2.2e-16, and a
# factor of about a hundred for the sums.
TOLERANCE = 1e-10


@st.composite
def independent_rows(draw, most=6):
    """[m, n] rows, n ≥ m, with lengths from 1e-6 to 1."""
    num_rows = draw(st.integers(2, most))
    size = draw(st.integers(num_rows, 10))
    jacobian = np.random.default_rng(draw(st.integers(0, 10**6))).normal(size=(num_rows, size))
    units = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
    assume(np.linalg.eigvalsh(units @ units.T)[0] > 1e-3)
    return units * 10.0 ** np.array(draw(st.lists(st.floats(-6, 0), min_size=num_rows, max_size=num_rows)))[:, None]


def _weights(rule, jacobian):
    return GRAPHS[rule](tf.constant(jacobian @ jacobian.T)).numpy()


def _lengths(jacobian):
    return np.linalg.norm(jacobian, axis=1)


def _projections(jacobian, weights):
    """Update on each unit row, and the size of the terms of which it is the sum."""
    units = jacobian / _lengths(jacobian)[:, None]
    return units @ (jacobian.T @ weights), np.abs(weights) @ _lengths(jacobian)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("pcgrad", [4.0, 1.12]),  # 1 − g_1·g_2/n_i² = 1 + 3/1, 1 + 3/25
        ("mgda", [0.875, 0.125]),  # (g_2 − g_1)·g_2/|g_1 − g_2|² = (25 + 3)/(1 + 25 + 6)
        ("imtl_g", [5 / 6, 1 / 6]),  # n_2/(n_1 + n_2)
        ("config", [3.0, 0.6]),  # (n_1 + n_2)/(2 n_i)
    ],
)
def test_two_rows_by_hand(rule, expected):
    jacobian = np.array([[1.0, 0.0], [-3.0, 4.0]])  # n = (1, 5), g_1·g_2 = −3
    np.testing.assert_allclose(_weights(rule, jacobian), expected, rtol=1e-14)  # a handful of operations


@pytest.mark.parametrize(("rule", "most"), [("config", 6), ("imtl_g", 2), ("pcgrad", 2)])
@PROPERTY
@given(data=st.data())
def test_update_conflicts_with_no_row(rule, most, data):
    jacobian = data.draw(independent_rows(most))
    projections, terms = _projections(jacobian, _weights(rule, jacobian))
    assert np.all(projections >= -TOLERANCE * terms)


@pytest.mark.parametrize("rule", ["config", "imtl_g"])
@PROPERTY
@given(jacobian=independent_rows())
def test_projections_on_the_unit_rows_are_equal(rule, jacobian):
    projections, terms = _projections(jacobian, _weights(rule, jacobian))
    np.testing.assert_allclose(projections, np.full(len(jacobian), projections.mean()), rtol=0, atol=TOLERANCE * terms)


@PROPERTY
@given(jacobian=independent_rows())
def test_config_is_as_long_as_the_rows_projections_on_it_together(jacobian):
    weights = _weights("config", jacobian)
    update = jacobian.T @ weights
    projections, terms = jacobian @ update / np.linalg.norm(update), np.abs(weights) @ _lengths(jacobian)
    np.testing.assert_allclose(np.linalg.norm(update), projections.sum(), rtol=0, atol=TOLERANCE * terms)


@PROPERTY
@given(jacobian=independent_rows())
def test_imtl_g_weights_add_up_to_one(jacobian):
    weights = _weights("imtl_g", jacobian)
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=0, atol=1e-14 * np.abs(weights).sum())  # one sum of m terms


@pytest.mark.parametrize("rule", ["config", "imtl_g"])
@PROPERTY
@given(jacobian=independent_rows(), data=st.data())
def test_direction_does_not_depend_on_the_rows_lengths(rule, jacobian, data):
    """IMTL-G turns round where its weights, before they are made to add up to 1, have a negative sum."""
    lengths = 10.0 ** np.array(data.draw(st.lists(st.floats(-3, 3), min_size=len(jacobian), max_size=len(jacobian))))
    directions, relative = [], []
    for scaled in (jacobian, lengths[:, None] * jacobian):
        weights = _weights(rule, scaled)
        update, terms = scaled.T @ weights, np.abs(weights) @ _lengths(scaled)
        directions.append(update / np.linalg.norm(update))
        relative.append(terms / np.linalg.norm(update))
    sign = np.sign(directions[0] @ directions[1]) if rule == "imtl_g" and len(jacobian) > 2 else 1.0
    np.testing.assert_allclose(sign * directions[1], directions[0], rtol=0, atol=TOLERANCE * max(relative))


@PROPERTY
@given(jacobian=independent_rows(most=2))
def test_config_is_parallel_to_imtl_g_for_two_rows(jacobian):
    config, imtl_g = _weights("config", jacobian), _weights("imtl_g", jacobian)
    # Weights of independent rows are parallel where the updates are.
    np.testing.assert_allclose(config / config.sum(), imtl_g / imtl_g.sum(), rtol=TOLERANCE)
