"""The categorical distribution against NumPy and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.distributions import Categorical

EPS = np.finfo(np.float32).eps
EIGHTHS = tf.math.log([1 / 8, 2 / 8, 5 / 8])
SEED = tf.constant([3, 4])
# From indifference to certainty: at ±1e4 every probability but the greatest underflows.
logits = st.integers(1, 8).flatmap(
    lambda n: hnp.arrays(np.float32, n, elements=st.one_of(st.floats(-3, 3, width=32), st.floats(-1e4, 1e4, width=32)))
)
pairs = st.integers(1, 8).flatmap(lambda n: hnp.arrays(np.float32, (2, n), elements=st.floats(-20, 20, width=32)))


def log_softmax(x):
    """In double precision."""
    x = x.astype(np.float64) - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def test_log_prob_entropy_and_mode_by_hand():
    """p = 1/8, 2/8, 5/8: entropy ⅛ log 8 + ¼ log 4 + ⅝ log 8/5; numbers below 2.1, rounded a few times."""
    three = Categorical(3)
    for action, p in enumerate([1 / 8, 2 / 8, 5 / 8]):
        np.testing.assert_allclose(three.log_prob(EIGHTHS, action), np.log(p), rtol=0, atol=8 * EPS)
    entropy = np.log(8) / 8 + np.log(4) / 4 + 5 / 8 * np.log(8 / 5)
    np.testing.assert_allclose(three.entropy(EIGHTHS), entropy, rtol=0, atol=8 * EPS)
    assert int(three.mode(EIGHTHS)) == 2


def test_kl_by_hand():
    """Of (½, ½) from (¼, ¾): ½ log 2 + ½ log ⅔ = ½ log 4/3; back: ¼ log ½ + ¾ log 3/2."""
    two, half, quarter = Categorical(2), tf.zeros(2), tf.math.log([0.25, 0.75])
    np.testing.assert_allclose(two.kl(half, quarter), np.log(4 / 3) / 2, rtol=0, atol=8 * EPS)
    np.testing.assert_allclose(two.kl(quarter, half), np.log(0.5) / 4 + 3 / 4 * np.log(1.5), rtol=0, atol=8 * EPS)


def test_the_mode_is_the_first_of_equals():
    assert int(Categorical(3).mode(tf.constant([0.0, 1.0, 1.0]))) == 1


def test_a_certain_choice_has_log_prob_zero_and_no_entropy():
    certain = tf.constant([0.0, 1e4, -1e4])
    assert float(Categorical(3).log_prob(certain, 1)) == 0.0
    assert float(Categorical(3).entropy(certain)) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(logits)
def test_probabilities_sum_to_one_and_entropy_is_between_its_bounds(x):
    """Probabilities are sums of at most 8 numbers below 1; a log probability is known to 4 units in its last place."""
    n = len(x)
    distribution, actions = Categorical(n), tf.range(n)
    log_p = np.asarray(distribution.log_prob(tf.repeat(x[None], n, 0), actions), np.float64)
    np.testing.assert_allclose(log_p, log_softmax(x), rtol=4 * EPS, atol=8 * EPS + 4 * EPS * np.abs(x).max())
    np.testing.assert_allclose(np.exp(log_p).sum(), 1, rtol=0, atol=64 * EPS)
    entropy = float(distribution.entropy(x))
    expected = -np.sum(np.exp(log_softmax(x)) * np.maximum(log_softmax(x), -1e3))
    np.testing.assert_allclose(entropy, expected, rtol=0, atol=64 * EPS)
    assert -64 * EPS <= entropy <= np.log(n) + 64 * EPS


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pairs)
def test_kl_equals_numpys_and_is_not_negative(pair):
    """Eight terms, each a probability times logarithms below 45, with a few roundings each."""
    p, q = log_softmax(pair)
    kl = float(Categorical(len(p)).kl(*map(tf.constant, pair)))
    bound = 4 * 8 * 45 * EPS
    np.testing.assert_allclose(kl, np.sum(np.exp(p) * (p - q)), rtol=0, atol=bound)
    assert kl >= -bound


@settings(max_examples=40, deadline=None, derandomize=True)
@given(pairs)
def test_gradients_in_closed_form(pair):
    """∂ log p_0 = e_0 − p, ∂H_i = −p_i (log p_i + H), ∂KL/∂q's logits = q − p; logarithms below 45, as above."""
    distribution, (x, other) = Categorical(pair.shape[1]), map(tf.constant, pair)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        log_prob, entropy, kl = distribution.log_prob(x, 0), distribution.entropy(x), distribution.kl(x, other)
    (log_p, log_q), bound = log_softmax(pair), 4 * 8 * 45 * EPS
    p, q = np.exp(log_p), np.exp(log_q)
    np.testing.assert_allclose(tape.gradient(log_prob, x), np.eye(len(p))[0] - p, rtol=0, atol=bound)
    np.testing.assert_allclose(tape.gradient(entropy, x), -p * (log_p - np.sum(p * log_p)), rtol=0, atol=bound)
    np.testing.assert_allclose(tape.gradient(kl, other), q - p, rtol=0, atol=bound)


@pytest.mark.parametrize("compiled", [False, True])
def test_samples_have_the_law_softmax(compiled):
    """χ² of 20 000 draws with 3 degrees of freedom: above 21.1 with a chance of 1e-4, and the seed is fixed."""
    four, x, draws = Categorical(4), np.array([0.5, -1.0, 2.0, 0.0], np.float32), 20_000
    sample = tf.function(lambda: four.sample(x, four.noise((draws,), SEED)), jit_compile=compiled, autograph=False)
    count, expected = np.bincount(sample(), minlength=4), draws * np.exp(log_softmax(x))
    assert np.sum((count - expected) ** 2 / expected) < 21.1


@pytest.mark.parametrize("compiled", [False, True])
def test_noise_is_standard_gumbel_and_finite(compiled):
    """Mean γ = 0.5772, variance π²/6, P(g ≤ 0) = 1/e: five standard errors, from a fourth moment of 5.4 σ⁴."""
    n = 200_000
    noise = np.asarray(
        tf.function(lambda: Categorical(2).noise((n // 2,), SEED), jit_compile=compiled, autograph=False)(), np.float64
    )
    assert np.all(np.isfinite(noise))
    variance = np.pi**2 / 6
    assert abs(noise.mean() - np.euler_gamma) < 5 * np.sqrt(variance / n)
    assert abs(noise.var() - variance) < 5 * variance * np.sqrt((5.4 - 1) / n)
    assert abs((noise <= 0).mean() - 1 / np.e) < 5 * np.sqrt((1 - 1 / np.e) / np.e / n)
