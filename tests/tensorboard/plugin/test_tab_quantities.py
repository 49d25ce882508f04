"""The tab's quantities: by hand, from explicit rows, and against the probes."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from gramian_logs import legend
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rl.gradients import cosines, norms
from rl.gradients import gramian as tf_gramian
from rl.gradients.probes.attribution import attribution
from rl.gradients.probes.chain import chain
from rl.gradients.probes.cosines import conflict_fraction, row_cosines
from rl.gradients.probes.evidence import Evidence
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import AGAINST_STEP

LOGGED = legend(layers=3)
SHOWN = legend(layers=3, extra_rows=("combined", "clipped", AGAINST_STEP))
APPLIED = LOGGED.rows.index("applied")


class Given(Evidence):
    """The part of an update's evidence that probes of the Gramian read, with given rows."""

    def __init__(self, gramians):
        self.layers, self.sizes = LOGGED.layers, LOGGED.sizes
        self.objectives = LOGGED.objectives
        self.coefficients = tf.constant(LOGGED.coefficients, tf.float64)
        self.gramian = tf.constant(gramians)


def random_rows(seed=0):
    """[L, R, P] as logged, with a value row whose norm is twenty times that of the others."""
    rows = np.random.default_rng(seed).normal(size=(3, 6, 8))
    rows[:, 1] *= 20
    return rows


def turned(rows):
    """The same with the applied step negated, as the tab shows it."""
    rows = rows.copy()
    rows[:, APPLIED] *= -1
    return rows


def inner_products(rows):
    return rows @ rows.swapaxes(-1, -2)


def test_norms_cosine_ratio_and_conflict_by_hand():
    """Rows (3, 4), (4, −3), (0, 0) and (−6, −8): norms 5, 5, 0, 10; the last is −2 times the first."""
    matrix = inner_products(np.array([[3.0, 4.0], [4.0, -3.0], [0.0, 0.0], [-6.0, -8.0]]))
    np.testing.assert_array_equal(quantities.norms(matrix), [5, 5, 0, 10])
    assert quantities.cosine(matrix, 0, 1) == 0
    assert quantities.cosine(matrix, 0, 3) == -1
    assert quantities.ratio(matrix, 3, 0) == 2
    assert [quantities.conflict(matrix, 0, j) for j in range(4)] == [0, 0, 0, 1]


def test_a_zero_row_has_neither_cosine_nor_ratio():
    matrix = inner_products(np.array([[3.0, 4.0], [0.0, 0.0]]))
    for i, j in ((0, 1), (1, 0), (1, 1)):
        assert np.isnan(quantities.cosine(matrix, i, j))
    assert np.isnan(quantities.ratio(matrix, 0, 1))
    assert np.isnan(quantities.ratio(matrix, 1, 1))
    assert quantities.ratio(matrix, 1, 0) == 0


def test_norms_and_cosines_equal_tensorflows():
    rows = random_rows()
    rows[:, 2] = 0.0
    matrix = tf_gramian([(tf.constant(row),) for row in rows[0]], {"layer": (0,)}).numpy()[0]
    np.testing.assert_array_equal(quantities.norms(matrix), norms(tf.constant(matrix)))
    found = [[quantities.cosine(matrix, i, j) for j in range(6)] for i in range(6)]
    # Two divisions where TensorFlow divides by a product: three roundings of 1e-16.
    np.testing.assert_allclose(found, cosines(tf.constant(matrix)), rtol=1e-15)
    assert np.isnan(found[2]).all()


def test_every_quantity_of_every_layer_follows_from_explicit_rows():
    rows = turned(random_rows(1))
    matrix = inner_products(rows)
    lengths = np.linalg.norm(rows, axis=-1)
    for (i, a), (j, b) in itertools.product(enumerate(SHOWN.rows), enumerate(SHOWN.rows)):
        products = np.sum(rows[:, i] * rows[:, j], -1)
        expected = {
            "norm": lengths[:, i],
            "ratio": lengths[:, i] / lengths[:, j],
            "cosine": products / lengths[:, i] / lengths[:, j],
            "conflict": products < 0,
        }
        for quantity, numbers in expected.items():
            found = quantities.by_layer(quantity, matrix, SHOWN, a, b)
            # Sums of eight products, in another order; of rows that may all but cancel.
            np.testing.assert_allclose(found, numbers, rtol=1e-13, atol=1e-14, err_msg=f"{quantity} {a} {b}")


def test_overall_quantities_are_those_of_the_layers_concatenated():
    rows = turned(random_rows(2))
    flat = np.concatenate(list(rows), -1)
    whole, matrix = inner_products(flat[None]), inner_products(rows)
    for quantity, (a, b) in itertools.product(("norm", "ratio", "cosine", "share"), [("policy", "value")]):
        found = quantities.overall(quantity, matrix, SHOWN, a, b)
        np.testing.assert_allclose(found, quantities.by_layer(quantity, whole, SHOWN, a, b)[0], rtol=1e-13)
    against = [float(rows[l, 0] @ rows[l, 1] < 0) for l in range(3)]
    assert quantities.overall("conflict", matrix, SHOWN, "policy", "value") == np.mean(against)


def test_moments_are_an_axis_in_front():
    every = np.stack([inner_products(turned(random_rows(seed))) for seed in range(4)])
    for quantity in quantities.QUANTITIES:
        a, b = "value", "clipped"
        many = quantities.by_layer(quantity, every, SHOWN, a, b)
        assert many.shape == (4, 3)
        np.testing.assert_array_equal(many, [quantities.by_layer(quantity, one, SHOWN, a, b) for one in every])
        whole = quantities.overall(quantity, every, SHOWN, a, b)
        np.testing.assert_array_equal(whole, [quantities.overall(quantity, one, SHOWN, a, b) for one in every])


def test_a_share_is_negative_where_the_step_lowers_the_loss():
    """g_policy = (1, 0), g_value = (0, 2), Δw = (−0.3, 0.1): the losses change by −0.3 and +0.2; with coefficients 1
    and ½ by −0.3 and +0.1, of 0.4 in all: shares −¾ and ¼.
    """
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=(AGAINST_STEP,))
    matrix = inner_products(np.array([[1.0, 0.0], [0.0, 2.0], [0.3, -0.1]]))
    np.testing.assert_allclose(quantities.shares(matrix, of), [-0.75, 0.25], rtol=1e-15)


def test_there_is_no_share_without_a_step():
    still = inner_products(np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=(AGAINST_STEP,))
    assert np.isnan(quantities.shares(still, of)).all()
    without = legend(layers=1, objectives=("policy", "value"), extra_rows=("combined",))
    shares = quantities.shares(np.stack([still, still]), without)
    assert shares.shape == (2, 2)
    assert np.isnan(shares).all()


def test_the_tabs_quantities_equal_the_probes():
    rows = random_rows(3)
    evidence, matrix = Given(inner_products(rows)), inner_products(turned(rows))
    said = {**row_cosines(evidence), **conflict_fraction(evidence), **attribution(evidence), **chain(evidence)}

    def same(quantity, tag, a, b=""):
        found = {"": quantities.overall(quantity, matrix, SHOWN, a, b)}
        if f"{tag}/{SHOWN.layers[0]}" in said:
            by_layer = quantities.by_layer(quantity, matrix, SHOWN, a, b)
            found |= {f"/{layer}": number for layer, number in zip(SHOWN.layers, by_layer, strict=True)}
        for layer, number in found.items():
            # The probes' fraction of layers is a float32, and a third is none.
            np.testing.assert_allclose(number, said[f"{tag}{layer}"], rtol=1e-6 if quantity == "conflict" else 1e-12)

    for a, b in itertools.combinations(SHOWN.objectives, 2):
        same("cosine", f"gradient/cosine/{a}-{b}", a, b)
        same("conflict", f"gradient/conflict/{a}-{b}", a, b)
    for name in SHOWN.objectives:
        same("share", f"update/share/{name}", name)
        same("cosine", f"update/cosine/{name}-applied", name, AGAINST_STEP)
    same("cosine", "update/cosine/combined-applied", "combined", AGAINST_STEP)
    same("norm", "update/applied_norm", AGAINST_STEP)
    same("norm", "gradient/clipped_norm", "clipped")
    for layer, size in zip(SHOWN.layers, SHOWN.sizes, strict=True):
        np.testing.assert_allclose(quantities.null_band(size), said[f"gradient/null_band/{layer}"], rtol=1e-7)
    np.testing.assert_allclose(quantities.null_band(sum(SHOWN.sizes)), said["gradient/null_band"], rtol=1e-7)


def test_conflict_is_nan_where_a_layer_is():
    matrix = inner_products(turned(random_rows(4)))
    matrix[1] = np.nan
    by_layer = quantities.by_layer("conflict", matrix, SHOWN, "policy", "value")
    assert np.isnan(by_layer).tolist() == [False, True, False]
    assert np.isnan(quantities.overall("conflict", matrix, SHOWN, "policy", "value"))


def test_the_null_band_is_two_standard_deviations_of_independent_directions():
    """The variance of their cosine in P dimensions is 1/P."""
    assert quantities.null_band(100) == 0.2
    assert np.isnan(quantities.null_band(0))
    one, other = np.random.default_rng(5).normal(size=(2, 20_000, 49))
    cosine = np.sum(one * other, -1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    # A standard deviation from n numbers is off by 1/√(2n) = 0.5 %; four times that.
    assert 2 * cosine.std() == pytest.approx(quantities.null_band(49), rel=0.02)


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_huge_and_tiny_gramians_keep_their_cosines(size):
    matrix = inner_products(np.array([[0.6, 0.8], [0.8, 0.6]])) * size
    assert quantities.cosine(matrix, 0, 1) == pytest.approx(0.96, rel=1e-15)
    assert quantities.ratio(matrix, 0, 1) == pytest.approx(1.0, rel=1e-15)
    np.testing.assert_allclose(quantities.norms(matrix), np.sqrt(size), rtol=1e-15)
    assert quantities.norms(matrix)[0] > 0


def test_numbers_that_are_not_finite_give_nan_and_no_warning(recwarn):
    matrix = np.array([[np.inf, 1.0, np.nan], [1.0, 4.0, -np.inf], [np.nan, -np.inf, 9.0]])
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=(AGAINST_STEP,))
    assert np.isnan(quantities.ratio(matrix, 0, 1))
    assert np.isnan(quantities.conflict(matrix, 0, 2))
    assert np.isnan(quantities.conflict(matrix, 1, 2))
    assert np.isnan(quantities.shares(matrix, of)).any()
    assert np.isnan(quantities.norms(np.diag([-1e-30, 1.0]))).tolist() == [True, False]
    assert not recwarn.list


ROWS = arrays(np.float64, (4, 5), elements=st.floats(-1e6, 1e6, allow_subnormal=False))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=ROWS, power=st.integers(-60, 60))
def test_cosines_lie_between_minus_one_and_one(rows, power):
    rows = rows * 10.0**power
    matrix = inner_products(rows)
    found = np.array([[quantities.cosine(matrix, i, j) for j in range(4)] for i in range(4)])
    known = np.isfinite(found)
    # Inner products of five terms are off by five roundings of the product of the lengths; squares near the least
    # normal number, 1e-308, have lost digits.
    clear = np.diag(matrix) > 1e-290
    sure = known & np.outer(clear, clear)
    assert (np.abs(found[sure]) <= 1 + 1e-14).all()
    assert (known | (np.diag(matrix) == 0)[:, None] | (np.diag(matrix) == 0)).all()


def test_a_stale_row_is_paired_with_its_own_objective_alone():
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=("clipped", "stale/behaviour/value", "stale/x/y"))
    assert quantities.pairs(of) == [
        ("policy", "value"),
        ("policy", "clipped"),
        ("value", "clipped"),
        ("value", "stale/behaviour/value"),
        ("policy", "stale/x/y"),
        ("value", "stale/x/y"),
    ]


def test_three_quantities_take_two_rows():
    assert [quantity for quantity in quantities.QUANTITIES if quantities.takes_two(quantity)] == [
        "ratio",
        "cosine",
        "conflict",
    ]


def test_an_objective_of_another_update_has_no_share_and_takes_none():
    of = legend(layers=1, objectives=("policy", "value", "other"), extra_rows=(AGAINST_STEP,))
    of = of._replace(groups={"actor": ("policy",), "critic": ("value",)})
    matrix = inner_products(np.array([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0], [0.3, -0.1]]))
    np.testing.assert_allclose(quantities.shares(matrix, of), [-0.75, 0.25, np.nan], rtol=1e-15)
