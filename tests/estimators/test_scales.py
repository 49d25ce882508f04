"""Estimates at every scale from 1e-8 to 1e8: no absolute tolerance is built in."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.estimators import explained_variance, masked_variance, standardize

EPS = np.finfo(np.float32).eps
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)
scales = st.floats(-8, 8).map(lambda power: np.float32(10.0**power))
seeds = st.integers(0, 10**6)


def batch(seed):
    """Two arrays of order one and a mask with at least ten valid entries of twenty."""
    rng = np.random.default_rng(seed)
    valid = np.arange(20) < rng.integers(10, 21)
    return *rng.normal(size=(2, 20)).astype(np.float32), tf.constant(rng.permutation(valid), tf.float32)


@PROPERTY
@given(seeds, scales, st.floats(-3, 3))
def test_standardized_numbers_do_not_depend_on_scale_and_offset(seed, scale, offset):
    """The offset, 3 standard deviations or less, and the sums of twenty cost some ten roundings each."""
    x, _, valid = batch(seed)
    plain = standardize(tf.constant(x), valid)
    scaled = standardize(tf.constant((x + np.float32(offset)) * scale), valid)
    np.testing.assert_allclose(scaled, plain, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(np.std(plain.numpy()[valid.numpy() > 0]), 1.0, rtol=100 * EPS)


@PROPERTY
@given(seeds, scales)
def test_the_variance_goes_with_the_square_of_the_scale(seed, scale):
    x, _, valid = batch(seed)
    expected = np.float64(masked_variance(tf.constant(x), valid)) * np.float64(scale) ** 2
    np.testing.assert_allclose(masked_variance(tf.constant(x * scale), valid), expected, rtol=20 * EPS)


@PROPERTY
@given(seeds, scales)
def test_explained_variance_does_not_depend_on_the_scale(seed, scale):
    """Of order ten at most here; both variances are known to twenty roundings."""
    v, target, valid = batch(seed)
    plain = explained_variance(tf.constant(v), tf.constant(target), valid)
    scaled = explained_variance(tf.constant(v * scale), tf.constant(target * scale), valid)
    np.testing.assert_allclose(scaled, plain, rtol=100 * EPS, atol=100 * EPS)
