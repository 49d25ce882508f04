"""Properties of all combiners on zero, duplicate, parallel and opposite rows with norms from 1e-6 to 1."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rl.updates.combiners import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    GradNorm,
    GradVac,
    Mean,
    NashMTL,
    PCGrad,
    RandomWeights,
    Sum,
    UPGrad,
    pcgrad_weights,
)

COMBINERS = {
    "sum": Sum(scope="global", row_weights=None),
    "mean": Mean(scope="global"),
    "pcgrad": PCGrad(scope="global"),
    "mgda": MGDA(scope="global"),
    "imtl_g": IMTLG(scope="global"),
    "config": ConFIG(scope="global"),
    "upgrad": UPGrad(scope="global", preference=None),
    "dual_proj": DualProj(scope="global", preference=None),
    "cagrad": CAGrad(scope="global", c=0.4),
    "nash_mtl": NashMTL(scope="global"),
    "aligned_mtl": AlignedMTL(scope="global"),
    "gradvac": GradVac(scope="global", beta=0.01),
    "gradnorm": GradNorm(scope="global", learning_rate=0.025),
    "random": RandomWeights(scope="global"),
}
RULES = pytest.mark.parametrize("rule", COMBINERS)
DETERMINED = pytest.mark.parametrize("rule", [rule for rule in COMBINERS if rule not in ("gradvac", "random")])
PROPERTY = settings(max_examples=50, deadline=None, derandomize=True)
SEED = tf.constant([3, 5])


def _graph(combiner):
    def weights(gramian):
        num_rows = gramian.shape[0]
        return combiner.weights(gramian, tf.zeros(num_rows), combiner.init(num_rows), SEED)[0]

    return tf.function(weights, autograph=False)


WEIGHTS = {name: _graph(combiner) for name, combiner in COMBINERS.items()}
WEIGHTS_IN_ORDER = tf.function(pcgrad_weights, autograph=False)


def _unit(vector):
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


@st.composite
def awkward_rows(draw):
    """[m, n] rows; each is fresh, zero, or an earlier one again, at another length, or negated."""
    num_rows, size = draw(st.integers(2, 6)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    rows = []
    for place in range(num_rows):
        kind = draw(st.sampled_from(["fresh", "fresh", "zero", "duplicate", "parallel", "opposite"]))
        length = 10.0 ** draw(st.integers(-6, 0))
        earlier = rows[draw(st.integers(0, place - 1))] if place else rng.normal(size=size)
        again = {"duplicate": earlier, "parallel": length * _unit(earlier), "opposite": -length * _unit(earlier)}
        fresh = {"fresh": length * _unit(rng.normal(size=size)), "zero": np.zeros(size)}
        rows.append((again | fresh)[kind])
    return np.array(rows)


def _weights(rule, jacobian):
    return WEIGHTS[rule](tf.constant(jacobian @ jacobian.T)).numpy()


def _clear(matrix):
    """Whether no eigenvalue lies between rounding and 1e-6, where a pseudo-inverse jumps or loses over six digits."""
    eigenvalues = np.linalg.eigvalsh(matrix)
    relative = np.abs(eigenvalues) / max(eigenvalues.max(), 1e-300)
    return not np.any((relative > 1e-14) & (relative < 1e-6))


def _tolerance(rule, jacobian, weights):
    """The tolerance for an update; skips inputs on which the combiner is not continuous."""
    lengths = np.linalg.norm(jacobian, axis=1)
    terms = np.abs(weights) @ lengths
    if (
        rule == "mgda"
    ):  # the Gramian's rounding is 1e-16 of the longest row's square, and a minimum is known to its root
        return 1e-8 * lengths.max()
    if rule in ("upgrad", "dual_proj", "cagrad", "nash_mtl"):  # as the next, with a root in CAGrad's and Nash-MTL's
        assume(_clear(np.array([_unit(row) for row in jacobian]) @ np.array([_unit(row) for row in jacobian]).T))
        return (1e-8 if rule in ("upgrad", "dual_proj") else 1e-6) * terms
    if rule == "aligned_mtl":  # its smallest eigenvalue keeps 1e-16 of the largest, and is divided by
        assume(_clear(jacobian @ jacobian.T))
        return 1e-6 * terms
    if rule in ("config", "imtl_g"):  # 1e-16 times the condition number, 1e6 at most, and a hundredfold for the sums
        units = np.array([_unit(row) for row in jacobian])
        assume(_clear(units @ units.T))
        if (
            rule == "imtl_g"
        ):  # takes the pseudo-inverse of G where rows depend; its sum of weights must not vanish either
            assume(_clear(jacobian @ jacobian.T) and np.abs(weights).sum() < 100)
        return 1e-8 * terms
    return 1e-13 * terms  # a few sums of m terms


@RULES
@PROPERTY
@given(jacobian=awkward_rows())
def test_weights_and_update_are_finite(rule, jacobian):
    gramian = jacobian @ jacobian.T
    for dtype in (tf.float64, tf.float32):
        weights = WEIGHTS[rule](tf.cast(gramian, dtype)).numpy()
        assert weights.dtype == np.float64
        assert weights.shape == (len(jacobian),)
        assert np.all(np.isfinite(weights))
        assert np.all(np.isfinite(jacobian.T @ weights))


@RULES
@pytest.mark.parametrize("num_rows", [1, 2, 3, 6])
def test_rows_of_zeros_give_finite_weights_and_no_update(rule, num_rows):
    weights = _weights(rule, np.zeros((num_rows, 4)))
    assert np.all(np.isfinite(weights))
    np.testing.assert_array_equal(np.zeros((num_rows, 4)).T @ weights, np.zeros(4))


@RULES
def test_a_single_row_is_the_update_itself(rule):
    """Except for CAGrad, whose step is 1 + c times as long, and Nash-MTL, whose update has norm √k."""
    expected = {"cagrad": 1.4, "nash_mtl": 0.2}.get(rule, 1.0)
    np.testing.assert_allclose(_weights(rule, np.array([[3.0, -4.0]])), [expected], rtol=2e-15)  # a division, two roots


@DETERMINED
@PROPERTY
@given(jacobian=awkward_rows(), data=st.data())
def test_update_does_not_depend_on_the_order_of_the_rows(rule, jacobian, data):
    turn = np.array(data.draw(st.permutations(range(len(jacobian)))))
    if rule == "pcgrad":  # the orders in which the rows meet turn with them
        rng = np.random.default_rng(data.draw(st.integers(0, 100)))
        orders = np.array([rng.permutation(len(jacobian)) for _ in jacobian])
        turned_orders = np.argsort(turn)[orders[turn]]
        weights, turned = (
            WEIGHTS_IN_ORDER(tf.constant(rows @ rows.T), tf.constant(order)).numpy()
            for rows, order in ((jacobian, orders), (jacobian[turn], turned_orders))
        )
    else:
        weights, turned = _weights(rule, jacobian), _weights(rule, jacobian[turn])
    tolerance = _tolerance(rule, jacobian, weights)
    np.testing.assert_allclose(jacobian[turn].T @ turned, jacobian.T @ weights, rtol=0, atol=tolerance)


@RULES
@PROPERTY
@given(jacobian=awkward_rows())
def test_rows_seven_times_as_long_give_an_update_seven_times_as_long(rule, jacobian):
    """Except for Nash-MTL, whose update does not depend on the rows' norms."""
    weights, longer = _weights(rule, jacobian), _weights(rule, 7.0 * jacobian)
    tolerance = 7.0 * _tolerance(rule, jacobian, weights)
    times = 1.0 if rule == "nash_mtl" else 7.0
    np.testing.assert_allclose(7.0 * jacobian.T @ longer, times * jacobian.T @ weights, rtol=0, atol=tolerance)
