"""Averages over valid entries against NumPy's over an array without the invalid ones."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators import explained_variance, masked_mean, masked_variance, standardize

EPS = np.finfo(np.float32).eps
NAN = float("nan")


@st.composite
def masked(draw, num_arrays=1):
    """Arrays in ±100 and a mask with at least one valid entry."""
    n = draw(st.integers(1, 20))
    arrays = [draw(hnp.arrays(np.float32, n, elements=st.floats(-100, 100, width=32))) for _ in range(num_arrays)]
    valid = draw(hnp.arrays(bool, n))
    valid[draw(st.integers(0, n - 1))] = True
    return *arrays, valid


def as_float(valid):
    return tf.constant(valid, tf.float32)


def test_mean_and_variance_by_hand():
    """Of 1, 3 and 8, not of the 100: mean 4, variance (9 + 1 + 16)/3 = 26/3, rounded once."""
    x, valid = tf.constant([1.0, 3.0, 100.0, 8.0]), tf.constant([1.0, 1.0, 0.0, 1.0])
    assert float(masked_mean(x, valid)) == 4.0
    assert float(masked_variance(x, valid)) == np.float32(26 / 3)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(masked())
def test_mean_and_variance_equal_numpys_of_the_valid_entries(case):
    """A sum of 20 numbers below 100 rounds by at most 20·100·EPS in all; squares are below 200², rounded like them."""
    x, valid = case
    kept = x[valid].astype(np.float64)
    np.testing.assert_allclose(masked_mean(x, as_float(valid)), kept.mean(), rtol=0, atol=20 * 100 * EPS)
    np.testing.assert_allclose(masked_variance(x, as_float(valid)), kept.var(), rtol=0, atol=20 * 200**2 * EPS)


def test_nothing_valid_gives_zero():
    x, nothing = tf.constant([1.0, 2.0]), tf.zeros(2)
    assert float(masked_mean(x, nothing)) == 0.0
    assert float(masked_variance(x, nothing)) == 0.0
    assert float(explained_variance(x, x, nothing)) == 0.0


@pytest.mark.parametrize("rubbish", [NAN, float("inf"), -1e30])
def test_an_invalid_entry_has_no_influence(rubbish):
    valid = tf.constant([1.0, 0.0, 1.0])
    x, target = tf.constant([1.0, rubbish, 3.0]), tf.constant([2.0, rubbish, 6.0])
    clean_x, clean_target = tf.constant([1.0, 0.0, 3.0]), tf.constant([2.0, 0.0, 6.0])
    for f in (masked_mean, masked_variance):
        assert float(f(x, valid)) == float(f(clean_x, valid))
    assert float(explained_variance(x, target, valid)) == float(explained_variance(clean_x, clean_target, valid))
    np.testing.assert_array_equal(standardize(x, valid), standardize(clean_x, valid))


def test_the_gradient_of_the_mean_is_one_over_the_count_and_none_where_invalid():
    x = tf.constant([1.0, NAN, 3.0, 5.0, 7.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean = masked_mean(x, tf.constant([1.0, 0.0, 1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(tape.gradient(mean, x), [0.25, 0.0, 0.25, 0.25, 0.25])


def test_standardize_by_hand():
    """1 and 5 have mean 3 and standard deviation 2: ∓1; what is invalid comes out as 0."""
    x = standardize(tf.constant([1.0, 77.0, 5.0]), tf.constant([1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(x, [-1.0, 0.0, 1.0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(masked())
def test_standardized_numbers_have_mean_zero_and_variance_one(case):
    """The mean's error, 20·100·EPS, in units of a standard deviation of at least 1; the variance's is twice that."""
    x, valid = case
    kept = x[valid].astype(np.float64)
    ours = standardize(x, as_float(valid)).numpy()[valid].astype(np.float64)
    if kept.std() >= 1:
        np.testing.assert_allclose(ours.mean(), 0, atol=2 * 20 * 100 * EPS)
        np.testing.assert_allclose(ours.var(), 1, atol=4 * 20 * 100 * EPS)


@pytest.mark.parametrize("n", [3, 7, 1000])
@pytest.mark.parametrize("constant", [0.0, 1.0, 0.1, 1000.1])
def test_standardized_equal_numbers_are_zero(constant, n):
    """x − mean = 0 in theory; what rounding leaves of it does not count as variance."""
    np.testing.assert_array_equal(standardize(tf.fill([n], constant), tf.ones(n)), np.zeros(n))


def test_explained_variance_by_hand():
    """Var(0, 4) = 4. The variance of target − v: 0 where they are equal or a constant apart, 4 for a constant v.

    For v = −target, (0, 8): 16, hence 1 − 16/4 = −3. For v = target/2, (0, 2): 1, hence ¾.
    """
    target, valid = tf.constant([0.0, 4.0]), tf.ones(2)
    for v, expected in (
        ([0.0, 4.0], 1.0),
        ([7.0, 11.0], 1.0),
        ([3.0, 3.0], 0.0),
        ([0.0, -4.0], -3.0),
        ([0.0, 2.0], 0.75),
    ):
        assert float(explained_variance(tf.constant(v), target, valid)) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(masked(num_arrays=2))
def test_explained_variance_equals_numpys(case):
    """Where Var(target) ≥ 1 both variances, of numbers below 200, are known to 20·400²·EPS of it."""
    v, target, valid = case
    kept_v, kept = v[valid].astype(np.float64), target[valid].astype(np.float64)
    ours = float(explained_variance(v, target, as_float(valid)))
    if kept.var() >= 1:
        expected = 1 - (kept - kept_v).var() / kept.var()
        np.testing.assert_allclose(ours, expected, rtol=20 * 400**2 * EPS, atol=2 * 20 * 400**2 * EPS)


@pytest.mark.parametrize("n", [3, 7, 1000])
@pytest.mark.parametrize("constant", [0.0, 1.0, 0.1, 1000.1])
def test_explained_variance_of_equal_targets_is_zero(constant, n):
    v = tf.random.stateless_normal([n], [1, 2])
    assert float(explained_variance(v, tf.fill([n], constant), tf.ones(n))) == 0.0
