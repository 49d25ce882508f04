"""UPGrad and DualProj: no row loses, at any ratio of norms, and projections satisfy their definition."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rl.updates.combiners import dual_proj_weights, pcgrad_weights, upgrad_weights
from rl.updates.combiners.dual_cone import into_dual_cone

RULES = {"upgrad": upgrad_weights, "dual_proj": dual_proj_weights}
PROGRAMS = {
    (name, mode): tf.function(rule, jit_compile=mode == "xla", autograph=False)
    for name, rule in RULES.items()
    for mode in ("graph", "xla")
}
PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def rows_with_gaps(draw):
    """[2 to 6, 1 to 8] rows with lengths from 1e-6 to 1; fresh, parallel, opposite, zero, or sums of earlier ones."""
    num_rows, size = draw(st.integers(2, 6)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    rows = []
    for _ in range(num_rows):
        kind = draw(st.sampled_from(["fresh", "fresh", "fresh", "parallel", "opposite", "zero", "sum"]))
        row = rng.normal(size=size)
        if rows and kind in ("parallel", "opposite"):
            row = rows[rng.integers(len(rows))] * (1 if kind == "parallel" else -1)
        elif rows and kind == "sum":
            row = rng.normal(size=len(rows)) @ np.array(rows)
        length = np.linalg.norm(row)
        rows.append(0 * row if kind == "zero" or length == 0 else row / length * 10.0 ** draw(st.integers(-6, 0)))
    return np.array(rows)


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("rule", RULES)
@PROPERTY
@given(jacobian=rows_with_gaps())
def test_no_row_loses(rule, mode, jacobian):
    weights = PROGRAMS[rule, mode](tf.constant(jacobian @ jacobian.T)).numpy()
    norms = np.linalg.norm(jacobian, axis=1)
    assert np.isfinite(weights).all()
    assert (jacobian @ (jacobian.T @ weights) >= -1e-9 * norms * norms.max()).all()


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("angle", [1e-2, 1e-4, 1e-6])
def test_no_row_loses_to_another_that_is_nearly_its_opposite(rule, mode, angle):
    """Multipliers are as large as 1/angle here, and sets of active rows with parallel ones among them are singular."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, other = rng.normal(size=(2, 6))
        one /= np.linalg.norm(one)
        rows = [-1e-4 * one, 1e-3 * one, 1e-4 * rng.normal(size=6), one, 1e-3 * rng.normal(size=6)]
        jacobian = np.array([*rows, 0.1 * (angle * other - one)])
        weights = PROGRAMS[rule, mode](tf.constant(jacobian @ jacobian.T)).numpy()
        norms = np.linalg.norm(jacobian, axis=1)
        assert (jacobian @ (jacobian.T @ weights) >= -1e-9 * norms * norms.max()).all()


@pytest.mark.parametrize("rule", RULES)
@PROPERTY
@given(jacobian=rows_with_gaps())
def test_without_conflict_it_is_the_mean(rule, jacobian):
    gramian = jacobian @ jacobian.T
    assume((gramian >= 0).all())
    weights = PROGRAMS[rule, "graph"](tf.constant(gramian)).numpy()
    terms = np.linalg.norm(jacobian, axis=1).max()
    np.testing.assert_allclose(jacobian.T @ weights, jacobian.mean(0), rtol=0, atol=1e-14 * terms)  # a sum of six


def nearest_by_descent(units, target, turns=20_000):
    """The projection of a vector on {x: units x ≥ 0}, by projected gradient steps on the multipliers."""
    gramian = units @ units.T
    step = 1.0 / max(np.linalg.eigvalsh(gramian).max(), 1e-12)
    multipliers = np.zeros(len(units))
    for _ in range(turns):
        multipliers = np.maximum(multipliers - step * (gramian @ multipliers + units @ target), 0.0)
    return target + units.T @ multipliers


@pytest.mark.parametrize(("num_rows", "size"), itertools.product([2, 3, 5], [3, 6]))
def test_projections_are_the_nearest_points_of_the_cone(num_rows, size):
    rng = np.random.default_rng(num_rows * 10 + size)
    for _ in range(5):
        units = rng.normal(size=(num_rows, size))
        units /= np.linalg.norm(units, axis=1, keepdims=True)
        targets = rng.normal(size=(4, num_rows))
        ours = into_dual_cone(tf.constant(units @ units.T), tf.constant(targets)).numpy() @ units
        for target, projection in zip(targets @ units, ours, strict=True):
            # The descent goes on until its steps vanish in rounding, but for rows that nearly depend.
            np.testing.assert_allclose(projection, nearest_by_descent(units, target), rtol=0, atol=1e-7)


@PROPERTY
@given(jacobian=rows_with_gaps())
def test_on_two_rows_pcgrad_is_twice_upgrad_by_either_route(jacobian):
    jacobian = jacobian[:2]
    gramian = tf.constant(jacobian @ jacobian.T)
    orders = tf.constant([[0, 1], [1, 0]])
    twice = 2.0 * jacobian.T @ upgrad_weights(gramian, [1.0, 1.0]).numpy()  # by the sets of active rows
    pcgrad = jacobian.T @ pcgrad_weights(gramian, orders).numpy()
    norms = np.linalg.norm(jacobian, axis=1)
    np.testing.assert_allclose(twice, pcgrad, rtol=0, atol=1e-13 * norms.max())
    np.testing.assert_allclose(2.0 * jacobian.T @ upgrad_weights(gramian).numpy(), pcgrad, rtol=0, atol=1e-14)
