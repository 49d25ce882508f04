"""The squashed Gaussian by hand, against NumPy in float64, and at the bounds."""

import math

import numpy as np
import pytest
import tensorflow as tf

from rl.distributions import TanhGaussian

LOW, HIGH = [-1.0, 0.0], [3.0, 0.5]
PARAMETERS = np.array([0.3, -1.0, 0.2, -0.7])


def normal_log(u, mean, log_std):
    return -0.5 * ((u - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * math.log(2 * math.pi)


def integral(function, mean, log_std, count=400_001):
    """∫ function(u) N(u; μ, σ²) du by a fine sum over ±12 σ, in float64."""
    u = mean + np.exp(log_std) * np.linspace(-12, 12, count)
    return np.sum(function(u) * np.exp(normal_log(u, mean, log_std))) * (u[1] - u[0])


def test_one_dimension_by_hand():
    """μ = 0, σ = 1, box ±1, noise ½: a = tanh ½, log π = −⅛ − ½ log 2π − log(1 − tanh² ½)."""
    drawn = TanhGaussian([-1.0], [1.0]).draw(tf.zeros((2,), tf.float64), tf.constant([0.5], tf.float64))
    np.testing.assert_allclose(drawn.action, [math.tanh(0.5)], rtol=1e-12)
    expected = -0.125 - 0.5 * math.log(2 * math.pi) - math.log(1 - math.tanh(0.5) ** 2)
    np.testing.assert_allclose(drawn.log_prob, expected, rtol=1e-12)


@pytest.mark.parametrize(("dtype", "rtol"), [(tf.float64, 1e-10), (tf.float32, 1e-4)])
def test_log_prob_is_the_change_of_variables(dtype, rtol):
    """The density of a = m + s tanh(u): N(u) / |da/du|, the derivative by NumPy in float64."""
    distribution, half = TanhGaussian(LOW, HIGH), np.array([2.0, 0.25])
    noise = np.random.default_rng(0).normal(size=(50, 2))
    parameters = tf.constant(np.tile(PARAMETERS, (50, 1)), dtype)
    drawn = distribution.draw(parameters, tf.constant(noise, dtype))
    u = PARAMETERS[:2] + np.exp(PARAMETERS[2:]) * noise
    expected = normal_log(u, PARAMETERS[:2], PARAMETERS[2:]) - np.log(half / np.cosh(u) ** 2)
    np.testing.assert_allclose(drawn.log_prob, expected.sum(-1), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(drawn.action, np.array([1.0, 0.25]) + half * np.tanh(u), rtol=rtol)
    if dtype == tf.float64:
        np.testing.assert_allclose(distribution.log_prob(parameters, drawn.action), expected.sum(-1), rtol=1e-7)


def test_the_density_integrates_to_one_on_the_box():
    """A sum over 200,000 actions; the density goes to 0 at both bounds here (σ < 1)."""
    width = 4.0 / 200_000
    action = np.arange(-1.0 + width / 2, 3.0, width)[:, None]
    parameters = tf.constant(np.tile([0.3, -0.7], (len(action), 1)))
    density = np.exp(TanhGaussian([-1.0], [3.0]).log_prob(parameters, tf.constant(action)))
    np.testing.assert_allclose(np.sum(density) * width, 1.0, rtol=1e-6)


@pytest.mark.parametrize("log_std", [-3.0, -0.5, 0.0, 1.0, 1.38])
@pytest.mark.parametrize("mean", [0.0, -0.7, 4.0])
def test_entropy_is_the_integral(mean, log_std):
    distribution = TanhGaussian([-1.0], [3.0])

    def surprise(u):
        return -normal_log(u, mean, log_std) + math.log(2.0) + 2 * (math.log(2.0) - u - np.logaddexp(0, -2 * u))

    found = distribution.entropy(tf.constant([mean, log_std], tf.float64))
    np.testing.assert_allclose(found, integral(surprise, mean, log_std), rtol=1e-10, atol=1e-10)
    single = distribution.entropy(tf.constant([mean, log_std], tf.float32))
    np.testing.assert_allclose(single, found, rtol=1e-4, atol=1e-4)


def test_entropy_at_the_widest():
    """σ = e²: six digits."""
    found = TanhGaussian([-1.0], [1.0]).entropy(tf.constant([0.4, 2.0], tf.float64))

    def surprise(u):
        return -normal_log(u, 0.4, 2.0) + 2 * (math.log(2.0) - u - np.logaddexp(0, -2 * u))

    np.testing.assert_allclose(found, integral(surprise, 0.4, 2.0), atol=2e-6)


@pytest.mark.parametrize("before", [-12.0, 12.0, -100.0, 100.0])
def test_far_out_everything_is_finite(before):
    """At ±12 tanh is ±1 in float32: 1 − tanh² would be 0, its logarithm −∞."""
    distribution, parameters = TanhGaussian([-1.0], [1.0]), tf.constant([before, -1.0])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        drawn = distribution.draw(parameters, tf.constant([0.1]))
    slope = 2 * (math.log(2.0) - abs(before + 0.1 * math.exp(-1.0)))  # log(1 − tanh² u) → 2 log 2 − 2 |u|
    expected = normal_log(0.1, 0.0, 0.0) + 1.0 - slope
    np.testing.assert_allclose(drawn.log_prob, expected, rtol=1e-5)
    # d log π / dμ at fixed noise is −d/du log(1 − tanh² u) = 2 tanh u.
    np.testing.assert_allclose(tape.gradient(drawn.log_prob, parameters)[0], 2 * np.sign(before), rtol=1e-5)
    action = distribution.sample(parameters, tf.constant([0.1]))
    assert np.isfinite(distribution.log_prob(parameters, action))
    assert -1.0 <= float(action[0]) <= 1.0


def test_gradients_of_a_draw_are_finite_differences():
    distribution, noise = TanhGaussian(LOW, HIGH), tf.constant([0.4, -1.1], tf.float64)
    weights = tf.constant([0.7, -2.0], tf.float64)

    def objective(parameters):
        drawn = distribution.draw(parameters, noise)
        return tf.reduce_sum(weights * drawn.action) + 0.3 * drawn.log_prob

    parameters = tf.constant(PARAMETERS)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        loss = objective(parameters)
    step = 1e-6 * np.eye(4)
    differences = [(objective(PARAMETERS + one) - objective(PARAMETERS - one)) / 2e-6 for one in step]
    np.testing.assert_allclose(tape.gradient(loss, parameters), differences, rtol=1e-7, atol=1e-9)


def test_log_sigma_beyond_its_range_can_recover():
    distribution, parameters = TanhGaussian([-1.0], [1.0]), tf.constant([0.0, 5.0])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        log_prob = distribution.draw(parameters, tf.constant([0.3])).log_prob
    clipped = distribution.draw(tf.constant([0.0, 2.0]), tf.constant([0.3])).log_prob
    assert float(log_prob) == float(clipped)
    assert float(tape.gradient(log_prob, parameters)[1]) != 0.0


@pytest.mark.parametrize(("low", "high"), [([0.0], [0.0]), ([1.0], [-1.0]), ([-np.inf], [1.0]), ([0.0, 0.0], [1.0])])
def test_bounds_that_cannot_be_are_refused(low, high):
    with pytest.raises(ValueError, match="needs finite bounds low < high"):
        TanhGaussian(low, high)
