"""Probes' ratios at every scale, and with a denominator of 0."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients.probes.evidence import SampleRows
from rl.gradients.probes.noise import gradient_signal_to_noise
from rl.gradients.probes.pairs import cosine_and_ratio
from rl.gradients.probes.units import dead, dormant

SCALES = pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4, 1e8])


@SCALES
def test_dead_and_dormant_units_do_not_depend_on_the_features_scale(scale):
    units = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
    units[:, 1], units[:, 2], units[:, 3] = 0.0, -1.0, 0.01 * units[:, 3]
    units = tf.constant(units * np.float32(scale))
    assert float(dead(units)) == pytest.approx(2 / 6)
    assert float(dormant(units, threshold=0.025)) == pytest.approx(2 / 6)


@SCALES
def test_the_signal_to_noise_ratio_leaves_out_coordinates_that_vary_by_rounding_alone(scale):
    """One coordinate is 0.1 in every row: its mean rounds, and its variance would be 1e-15 or so of its square."""
    rows = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    expected = np.mean(rows.mean(0) ** 2 / rows.var(0, ddof=1))
    rows = np.c_[rows, np.full(30, 0.1, np.float32)] * np.float32(scale)
    samples = SampleRows(tf.constant(rows), tf.ones(30), tf.ones(()), tf.constant(30.0))
    np.testing.assert_allclose(gradient_signal_to_noise(samples), expected, rtol=1e-5)


@SCALES
def test_cosine_and_ratio_of_two_rows(scale):
    one, other = (tf.constant([3.0, 4.0]) * scale,), (tf.constant([0.0, 2.0]),)
    cosine, ratio = cosine_and_ratio(one, other)
    np.testing.assert_allclose([cosine, ratio], [0.8, 2.5 * scale], rtol=1e-6)


def test_a_zero_row_has_neither_cosine_nor_ratio_to_it():
    one, zero = (tf.constant([3.0, 4.0]),), (tf.zeros(2),)
    assert np.isnan(cosine_and_ratio(one, zero)).all()
    cosine, ratio = cosine_and_ratio(zero, one)
    assert np.isnan(cosine)
    assert float(ratio) == 0.0
