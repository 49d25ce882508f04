"""Retrace by hand, against a slow loop, and where theory says what it equals."""

import numpy as np
import pytest
import tensorflow as tf

from rl.estimators import discounts, retrace

LENGTH, WIDTH = 7, 3


def drawn(seed, end=0.2):
    """log ρ, r, terminated, truncated, q, v of random trajectories, float64."""
    random = np.random.default_rng(seed)
    log_rho, r, q, v = random.normal(size=(4, LENGTH, WIDTH))
    terminated, truncated = random.random((2, LENGTH, WIDTH)) < end
    return log_rho, r, terminated, truncated, q, v


def slow(log_rho, r, terminated, truncated, q, v, *, gamma, lambda_):
    """Eq. 3, step by step: q_s + Σ_{t≥s} γ^{t−s} (Π_{s<i≤t} c_i) δ_t until the episode ends."""
    target, c = q.copy(), lambda_ * np.minimum(1.0, np.exp(log_rho))
    for n in range(WIDTH):
        for s in range(LENGTH):
            factor = 1.0
            for t in range(s, LENGTH):
                if t > s:
                    factor *= gamma * c[t, n]
                future = 0.0 if terminated[t, n] else gamma * v[t, n]
                target[s, n] += factor * (r[t, n] + future - q[t, n])
                if terminated[t, n] or truncated[t, n]:
                    break
    return target


def fast(log_rho, r, terminated, truncated, q, v, *, gamma, lambda_, dtype=tf.float64):
    discount_t, lambda_t = discounts(tf.constant(terminated), tf.constant(truncated), gamma=gamma, lambda_=lambda_)
    numbers = [tf.cast(tf.constant(x), dtype) for x in (log_rho, r, discount_t, q, v, lambda_t)]
    return retrace(*numbers)


def test_two_steps_by_hand():
    """γ = ½, λ = 1, q = 2, 4, v = 4, 6, r = 1, 3, ρ of the second action ½, of the first 3, which plays no part.

    δ₁ = 3 + ½·6 − 4 = 2, δ₀ = 1 + ½·4 − 2 = 1; target₁ = 6, target₀ = 2 + 1 + ½·½·2 = 3½.
    With ρ = 3 of the second action, cut at 1: target₀ = 2 + 1 + ½·2 = 4.
    """
    r, q, v = (np.array(x)[:, None] for x in ([1.0, 3.0], [2.0, 4.0], [4.0, 6.0]))
    never = np.zeros((2, 1), bool)
    for rho, first in ((0.5, 3.5), (3.0, 4.0)):
        log_rho = np.log([[3.0], [rho]])
        found = fast(log_rho, r, never, never, q, v, gamma=0.5, lambda_=1.0)
        np.testing.assert_allclose(found[:, 0], [first, 6.0], rtol=1e-12)


@pytest.mark.parametrize("lambda_", [0.0, 0.7, 1.0])
@pytest.mark.parametrize(("dtype", "atol"), [(tf.float64, 1e-6), (tf.float32, 1e-4)])
def test_the_slow_loop(lambda_, dtype, atol):
    """`discounts` returns float32, whose 0.9 is 2e-8 off: hence 1e-6 in float64."""
    for seed in range(5):
        expected = slow(*drawn(seed), gamma=0.9, lambda_=lambda_)
        found = fast(*drawn(seed), gamma=0.9, lambda_=lambda_, dtype=dtype)
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def test_in_float64_to_ten_digits():
    """γ = ½ and λ = ½ are exact in float32."""
    expected = slow(*drawn(5), gamma=0.5, lambda_=0.5)
    np.testing.assert_allclose(fast(*drawn(5), gamma=0.5, lambda_=0.5), expected, rtol=0, atol=1e-10)


def test_on_policy_with_v_of_the_next_action_it_is_the_return():
    """ρ = 1, λ = 1 and v_t = q_{t+1}: the sum telescopes to the rewards and the last value."""
    _, r, _, _, q, v = drawn(1)
    v[:-1] = q[1:]
    never = np.zeros((LENGTH, WIDTH), bool)
    found = fast(np.zeros_like(r), r, never, never, q, v, gamma=0.5, lambda_=1.0)
    weights = 0.5 ** np.arange(LENGTH)[:, None]
    np.testing.assert_allclose(found[0], np.sum(weights * r, 0) + 0.5**LENGTH * v[-1], rtol=1e-10)


def test_lambda_zero_is_the_one_step_target_and_no_gradient_flows():
    log_rho, r, terminated, truncated, q, v = drawn(2)
    one_step = r + np.where(terminated, 0.0, 0.5 * v)
    np.testing.assert_allclose(
        fast(log_rho, r, terminated, truncated, q, v, gamma=0.5, lambda_=0.0), one_step, rtol=1e-10
    )
    arguments = [tf.constant(x, tf.float32) for x in (log_rho, r, q, v)]
    ones = tf.ones((LENGTH, WIDTH))
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        log_rho_t, r_t, q_t, v_t = arguments
        total = tf.reduce_sum(retrace(log_rho_t, r_t, 0.9 * ones, q_t, v_t, ones))
    assert tape.gradient(total, arguments) == [None] * 4


def test_what_follows_an_end_or_cannot_be_does_not_matter():
    """A NaN value after a termination; an action that the policy no longer takes, ρ = 0."""
    log_rho, r, terminated, truncated, q, v = drawn(3)
    clean = fast(log_rho, r, terminated, truncated, q, v, gamma=0.9, lambda_=1.0)
    spoilt = fast(log_rho, r, terminated, truncated, q, np.where(terminated, np.nan, v), gamma=0.9, lambda_=1.0)
    np.testing.assert_array_equal(clean, spoilt)
    never = np.zeros_like(terminated)
    log_rho[1] = -np.inf
    found = fast(log_rho, r, never, never, q, v, gamma=0.5, lambda_=1.0)
    np.testing.assert_allclose(found[0], r[0] + 0.5 * v[0], rtol=1e-12)
    log_rho[1] = 1e6
    assert np.isfinite(fast(log_rho, r, never, never, q, v, gamma=0.5, lambda_=1.0)).all()
