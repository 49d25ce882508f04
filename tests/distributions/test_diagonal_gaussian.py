"""The diagonal Gaussian by hand, by quadrature and by the moments of its samples."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.distributions import DiagonalGaussian

EPS = np.finfo(np.float32).eps
LOG_ROOT_TAU = 0.5 * np.log(2 * np.pi)
parameters = st.integers(1, 4).flatmap(
    lambda d: st.tuples(
        hnp.arrays(np.float64, (2, d), elements=st.floats(-10, 10)),
        hnp.arrays(np.float64, (2, d), elements=st.floats(-3, 3)),
    )
)


def test_log_prob_by_hand():
    """N(0, 1) at 0: −½ log 2π. N(1, 2²) at 5, z = 2: −2 − log 2 − ½ log 2π. Both together: their sum."""
    two = tf.constant([0.0, 1.0, 0.0, np.log(2)], tf.float32)
    expected = -2 - np.log(2) - 2 * LOG_ROOT_TAU
    np.testing.assert_allclose(DiagonalGaussian(2).log_prob(two, tf.constant([0.0, 5.0])), expected, rtol=4 * EPS)


def test_entropy_by_hand():
    """½ log 2πe = ½ + ½ log 2π a dimension, and log σ: here log 2 and −log 4."""
    two = tf.constant([5.0, -5.0, np.log(2), -np.log(4)], tf.float32)
    np.testing.assert_allclose(DiagonalGaussian(2).entropy(two), 1 + 2 * LOG_ROOT_TAU - np.log(2), rtol=4 * EPS)


def test_kl_by_hand():
    """KL(N(0, 1), N(1, 1)) = ½; KL(N(0, 1), N(0, 2²)) = log 2 + ⅛ − ½; back: −log 2 + 2 − ½. Dimensions add."""
    one, kl = DiagonalGaussian(1), DiagonalGaussian(1).kl
    unit, moved, wide = (tf.constant(p, tf.float32) for p in ([0.0, 0.0], [1.0, 0.0], [0.0, np.log(2)]))
    assert one.num_parameters == 2
    assert float(kl(unit, moved)) == 0.5
    np.testing.assert_allclose(kl(unit, wide), np.log(2) + 1 / 8 - 1 / 2, rtol=0, atol=4 * EPS)
    np.testing.assert_allclose(kl(wide, unit), -np.log(2) + 2 - 1 / 2, rtol=0, atol=4 * EPS)
    both = DiagonalGaussian(2).kl(tf.zeros(4), tf.constant([1.0, 0.0, 0.0, np.log(2)], tf.float32))
    np.testing.assert_allclose(both, 0.5 + np.log(2) + 1 / 8 - 1 / 2, rtol=0, atol=4 * EPS)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(-10, 10), st.floats(-3, 3))
def test_the_density_integrates_to_one(mean, log_std):
    """The trapezium rule over ±12 σ is exact to far beyond float64 for a Gaussian; the rest is 1e-32."""
    std = np.exp(log_std)
    grid = np.linspace(mean - 12 * std, mean + 12 * std, 401)
    log_density = DiagonalGaussian(1).log_prob(tf.constant([mean, log_std], tf.float64), tf.constant(grid[:, None]))
    np.testing.assert_allclose(np.exp(log_density).sum() * (grid[1] - grid[0]), 1, rtol=1e-11)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(parameters)
def test_closed_forms_of_kl_and_of_the_score(case):
    """In float64. ∂ log π: z/σ and z² − 1; KL through full covariance matrices:

    ½ [tr(Σ₂⁻¹ Σ₁) + Δᵀ Σ₂⁻¹ Δ − d + log det Σ₂/det Σ₁], of numbers up to 1e5.
    """
    (mean, other_mean), (log_std, other_log_std) = case
    d = len(mean)
    p, q = (tf.constant(np.concatenate(x)) for x in ((mean, log_std), (other_mean, other_log_std)))
    covariance, other_covariance = np.diag(np.exp(2 * log_std)), np.diag(np.exp(2 * other_log_std))
    inverse, delta = np.linalg.inv(other_covariance), mean - other_mean
    log_determinants = np.linalg.slogdet(other_covariance)[1] - np.linalg.slogdet(covariance)[1]
    expected = 0.5 * (np.trace(inverse @ covariance) + delta @ inverse @ delta - d + log_determinants)
    kl = float(DiagonalGaussian(d).kl(p, q))
    np.testing.assert_allclose(kl, expected, rtol=1e-10, atol=1e-9)
    assert kl >= -1e-9
    with tf.GradientTape() as tape:
        tape.watch(p)
        log_prob = DiagonalGaussian(d).log_prob(p, tf.constant(other_mean))
    z = (other_mean - mean) / np.exp(log_std)
    np.testing.assert_allclose(
        tape.gradient(log_prob, p), np.concatenate([z / np.exp(log_std), z**2 - 1]), rtol=1e-10, atol=1e-9
    )


def test_a_sample_is_the_mean_and_a_multiple_of_the_noise():
    """mean (1, −2), σ = (1, 2), noise (½, −¼): 1 + ½ and −2 − ½; the exponential of a rounded logarithm."""
    two = tf.constant([1.0, -2.0, 0.0, np.log(2)], tf.float32)
    np.testing.assert_allclose(DiagonalGaussian(2).sample(two, tf.constant([0.5, -0.25])), [1.5, -2.5], rtol=2 * EPS)
    np.testing.assert_array_equal(DiagonalGaussian(2).mode(two), [1.0, -2.0])


def test_the_entropys_gradient_reaches_the_width_alone():
    two = tf.constant([1.0, -2.0, 0.5, -0.5])
    with tf.GradientTape() as tape:
        tape.watch(two)
        entropy = DiagonalGaussian(2).entropy(two)
    np.testing.assert_array_equal(tape.gradient(entropy, two), [0.0, 0.0, 1.0, 1.0])


def test_noise_is_standard_normal_and_independent():
    """n = 100 000 pairs, five standard errors: of the mean 1/√n, of the variance √(2/n), of the correlation 1/√n."""
    n = 100_000
    noise = np.asarray(DiagonalGaussian(2).noise((n,), tf.constant([3, 4])), np.float64)
    error = 5 / np.sqrt(n)
    assert np.all(np.abs(noise.mean(0)) < error)
    assert np.all(np.abs(noise.var(0) - 1) < np.sqrt(2) * error)
    assert abs(np.mean(noise[:, 0] * noise[:, 1])) < error
    for quantile, share in ((-1.959964, 0.025), (0.0, 0.5), (1.959964, 0.975)):
        assert np.all(np.abs((noise < quantile).mean(0) - share) < error * np.sqrt(share * (1 - share)))
