"""What every distribution promises: Monte Carlo twins of the closed forms, and no gradient through a sample."""

import numpy as np
import pytest
import tensorflow as tf

from rl.distributions import Categorical, DiagonalGaussian, TanhGaussian

DRAWS = 20_000
SEED = tf.constant([7, 11])
CASES = {
    "categorical": (Categorical(4), [0.5, -1.0, 2.0, 0.0], [0.0, 1.0, 1.5, -0.5]),
    "gaussian": (DiagonalGaussian(2), [0.3, -1.0, 0.2, -0.7], [0.0, -0.5, 0.5, -0.5]),
    "tanh_gaussian": (TanhGaussian([-1.0, 0.0], [3.0, 0.5]), [0.3, -1.0, 0.2, -0.7], [0.0, -0.5, 0.5, -0.5]),
}


@pytest.fixture(params=list(CASES))
def case(request):
    """A distribution, parameters, and parameters of another one of its kind."""
    distribution, parameters, other = CASES[request.param]
    return distribution, tf.constant(parameters), tf.constant(other)


def draw(distribution, parameters, seed=SEED):
    return distribution.sample(parameters, distribution.noise((DRAWS,), seed))


def assert_mean(samples, expected, axis=None):
    """The expected value lies within five standard errors: a chance of 6e-7 to fail, and the seed is fixed."""
    samples = np.asarray(samples, np.float64)
    error = samples.std(axis) / np.sqrt(DRAWS)
    assert np.all(np.abs(samples.mean(axis) - expected) <= 5 * error)


def test_entropy_is_the_mean_of_minus_log_prob(case):
    distribution, parameters, _ = case
    action = draw(distribution, parameters)
    assert_mean(-distribution.log_prob(parameters, action), float(distribution.entropy(parameters)))


def test_kl_is_the_mean_of_the_log_ratio(case):
    distribution, parameters, other = case
    action = draw(distribution, parameters)
    log_ratio = distribution.log_prob(parameters, action) - distribution.log_prob(other, action)
    assert_mean(log_ratio, float(distribution.kl(parameters, other)))


def test_the_score_has_mean_zero(case):
    """E_π ∇ log π = 0 for every parameter: log_prob is normalised, and samples are distributed as it says."""
    distribution, parameters, _ = case
    rows = tf.repeat(parameters[None], DRAWS, 0)
    action = draw(distribution, parameters)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        log_prob = distribution.log_prob(rows, action)
    assert_mean(tape.gradient(log_prob, rows), 0.0, axis=0)


def test_kl_to_itself_is_zero_and_flat(case):
    """Exactly zero, since equal terms are subtracted; the gradient is a difference of probabilities or of ones."""
    distribution, parameters, _ = case
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        kl = distribution.kl(parameters, tf.stop_gradient(parameters))
    assert float(kl) == 0.0
    np.testing.assert_allclose(tape.gradient(kl, parameters), np.zeros(4), atol=1e-6)


def test_kl_is_positive_between_different_ones_and_not_symmetric(case):
    distribution, parameters, other = case
    there, back = float(distribution.kl(parameters, other)), float(distribution.kl(other, parameters))
    assert min(there, back) > 0.01
    assert abs(there - back) > 0.001


def test_no_gradient_flows_through_a_sample(case):
    distribution, parameters, _ = case
    noise = distribution.noise((5,), SEED)
    with tf.GradientTape() as tape:
        tape.watch([parameters, noise])
        action = tf.cast(distribution.sample(parameters, noise), tf.float32)
    assert tape.gradient(action, [parameters, noise]) == [None, None]


def test_gradients_reach_both_sides_of_kl(case):
    distribution, parameters, other = case
    with tf.GradientTape() as tape:
        tape.watch([parameters, other])
        kl = distribution.kl(parameters, other)
    for gradient in tape.gradient(kl, [parameters, other]):
        assert np.all(np.abs(gradient) > 1e-3)


@pytest.mark.parametrize("which", ["entropy", "kl", "log_prob"])
def test_gradients_equal_finite_differences(case, which):
    """In float64: central differences are wrong by h² times a third derivative of order one, and 1e-16/h; h = 1e-5."""
    distribution, parameters, other = case
    parameters, other = tf.cast(parameters, tf.float64), tf.cast(other, tf.float64)
    action = tf.constant(2) if isinstance(distribution, Categorical) else tf.constant([0.1, -0.4], tf.float64)
    rest = {"entropy": (), "kl": (other,), "log_prob": (action,)}[which]
    function = getattr(distribution, which)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        value = function(parameters, *rest)
    h = 1e-5
    differences = [
        float(function(parameters + step, *rest) - function(parameters - step, *rest)) / (2 * h)
        for step in tf.unstack(h * tf.eye(4, dtype=tf.float64))
    ]
    np.testing.assert_allclose(tape.gradient(value, parameters), differences, atol=1e-8)


def test_noise_follows_from_its_seed_alone(case):
    distribution, _, _ = case
    one = distribution.noise((3, 5), SEED)
    assert one.shape[:2] == (3, 5)
    np.testing.assert_array_equal(one, distribution.noise((3, 5), SEED))
    assert np.all(one != distribution.noise((3, 5), SEED + 1))


def test_leading_axes_are_arbitrary(case):
    """A function of a batch [2, 3] is the function of each of its rows, to the vectorised exponential's last bits.

    The entropy of the squashed Gaussian is a sum of 289 terms of order 1, added in another order: hence 10⁻⁶ absolute.
    """
    distribution, parameters, other = case
    batch = tf.reshape(tf.linspace(parameters, other, 6), (2, 3, 4))
    noise = distribution.noise((2, 3), SEED)
    action = distribution.sample(batch, noise)
    many = (action, distribution.log_prob(batch, action), distribution.entropy(batch), distribution.mode(batch))
    for i, j in np.ndindex(2, 3):
        x, a = batch[i, j], action[i, j]
        one = (
            distribution.sample(x, noise[i, j]),
            distribution.log_prob(x, a),
            distribution.entropy(x),
            distribution.mode(x),
        )
        for ours, expected in zip(many, one, strict=True):
            np.testing.assert_allclose(ours[i, j], expected, rtol=1e-6, atol=1e-6)
