"""Bias and variance of a row: by hand, as sums over pairs, and unbiased over repetitions."""

import numpy as np
import tensorflow as tf

from rl.gradients.bias import deviation


def of_numpy(rows, true):
    return {name: float(x) for name, x in deviation(tf.constant(rows), tf.constant(true))._asdict().items()}


def test_four_rows_by_hand():
    """Rows 1, 3, 1, 3 against 0: mean 2, its variance 4/(4·3) = 1/3, so the squared bias is 4 − 1/3 = 11/3.

    The three products with each of the others, averaged: (1·3 + 1·1 + 1·3)/3 = 7/3 and (3 + 9 + 3)/3 = 5, mean 11/3.
    The jackknife's variance is (2/2)² · 3/4 · 4 · (4/3)² = 16/3.
    """
    found = of_numpy([[1.0], [3.0], [1.0], [3.0]], [0.0])
    np.testing.assert_allclose(found["variance"], 1 / 3, rtol=1e-15)
    np.testing.assert_allclose(found["squared_bias"], 11 / 3, rtol=1e-15)
    np.testing.assert_allclose(found["standard_error"], np.sqrt(16 / 3), rtol=1e-15)


def test_the_standard_error_is_the_jackknifes_written_out():
    random = np.random.default_rng(1)
    rows, true = random.normal(size=(9, 4)), random.normal(size=4)
    found = of_numpy(rows, true)
    left_out = np.array([of_numpy(np.delete(rows, n, 0), true)["squared_bias"] for n in range(9)])
    jackknife = np.sqrt(8 / 9 * np.square(left_out - left_out.mean()).sum())
    np.testing.assert_allclose(found["standard_error"], jackknife, rtol=1e-12)
    products = (rows - true) @ (rows - true).T
    pairs = (products.sum() - np.trace(products)) / (9 * 8)
    np.testing.assert_allclose(found["squared_bias"], pairs, rtol=1e-12)


def test_rows_that_agree_have_no_variance():
    found = of_numpy(np.tile([1.0, 2.0], (5, 1)), [1.0, 0.0])
    assert found == {"squared_bias": 4.0, "standard_error": 0.0, "variance": 0.0}


def test_averages_over_repetitions_are_the_true_bias_and_variance():
    """Normal rows in 6 dimensions: E ḡ − g = b, the variance of ḡ's coordinates sums to Σσ²/N.

    3,000 repetitions; each mean within 4 of its standard errors. The spread of squared_bias is at most what its own
    standard error says, and without bias about 1/√2 of it.
    """
    random, sigma, count = np.random.default_rng(2), np.arange(1.0, 7.0), 8
    for bias in (np.zeros(6), np.full(6, 2.0)):
        rows = bias + sigma * random.normal(size=(3000, count, 6))
        found = tf.vectorized_map(lambda x: deviation(x, tf.zeros(6, tf.float64)), tf.constant(rows))
        expected = {"squared_bias": bias @ bias, "variance": sigma @ sigma / count}
        for name, value in expected.items():
            numbers = getattr(found, name).numpy()
            assert abs(numbers.mean() - value) < 4 * numbers.std() / np.sqrt(3000)
        claimed = np.sqrt(np.square(found.standard_error.numpy()).mean())
        ratio = found.squared_bias.numpy().std() / claimed
        assert 0.6 < ratio < 1.02
        if not bias.any():
            assert ratio < 0.8
