"""V-trace by hand, against a slow loop, and where theory says what it equals."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.estimators import discounts, gae, lambda_returns, vtrace

LENGTH, WIDTH = 7, 3


def drawn(seed, end=0.2):
    """log ρ, r, terminated, truncated, v_tm1, v_t of random trajectories, v_t consistent within an episode."""
    random = np.random.default_rng(seed)
    shape = (LENGTH, WIDTH)
    log_rho, r, v_tm1, own = (random.normal(size=shape).astype(np.float32) for _ in range(4))
    terminated, truncated = random.random(shape) < end, random.random(shape) < end
    ended = terminated | truncated
    following = np.concatenate([v_tm1[1:], own[-1:]])
    return log_rho, r, terminated, truncated, v_tm1, np.where(ended, own, following)


def slow(log_rho, r, terminated, truncated, v_tm1, v_t, *, gamma, lambda_, rho_clip, c_clip):
    """The sum of eq. 1, step by step: vs_s = v_s + Σ_t γ^{t−s} (Π_{i<t} c_i) δ_t until the episode ends."""
    target, advantage = v_tm1.astype(float).copy(), np.zeros_like(v_tm1, float)
    rho, c = np.minimum(np.exp(log_rho), rho_clip), lambda_ * np.minimum(np.exp(log_rho), c_clip)
    for n in range(WIDTH):
        for s in range(LENGTH):
            factor = 1.0
            for t in range(s, LENGTH):
                future = 0.0 if terminated[t, n] else gamma * v_t[t, n]
                target[s, n] += factor * rho[t, n] * (r[t, n] + future - v_tm1[t, n])
                if terminated[t, n] or truncated[t, n]:
                    break
                factor *= gamma * c[t, n]
        for s in range(LENGTH):
            ended = terminated[s, n] or truncated[s, n]
            following = v_t[s, n]
            if not ended and s + 1 < LENGTH:
                following = lambda_ * target[s + 1, n] + (1 - lambda_) * v_t[s, n]
            future = 0.0 if terminated[s, n] else gamma * following
            advantage[s, n] = rho[s, n] * (r[s, n] + future - v_tm1[s, n])
    return target, advantage


def fast(log_rho, r, terminated, truncated, v_tm1, v_t, *, gamma, lambda_, rho_clip, c_clip):
    discount_t, lambda_t = discounts(tf.constant(terminated), tf.constant(truncated), gamma=gamma, lambda_=lambda_)
    values = (tf.constant(x, tf.float32) for x in (v_tm1, v_t))
    return vtrace(tf.constant(log_rho), tf.constant(r), discount_t, *values, lambda_t, rho_clip=rho_clip, c_clip=c_clip)


def test_two_steps_by_hand():
    """ρ = ½ and 3, both bounds 1, γ = ½, λ = 1, v = 2, 4 and, after the last step, 6; rewards 1 and 1.

    Step 1: ρ = 1: δ₁ = 1 + ½·6 − 4 = 0, so vs₁ = 4, A₁ = 0.
    Step 0: ρ = c = ½: δ₀ = ½ (1 + ½·4 − 2) = ½, vs₀ = 2 + ½ + ½·½·0 = 2½, A₀ = ½ (1 + ½·4 − 2) = ½.
    With r₁ = 3: δ₁ = 2, vs₁ = 6, A₁ = 2; vs₀ = 2 + ½ + ½·½·2 = 3, A₀ = ½ (1 + ½·6 − 2) = 1.
    """
    log_rho = np.log(np.array([[0.5], [3.0]], np.float32))
    v_tm1, v_t = np.array([[2.0], [4.0]]), np.array([[4.0], [6.0]])
    never = np.zeros((2, 1), bool)
    for last, target, advantage in ((1.0, [2.5, 4.0], [0.5, 0.0]), (3.0, [3.0, 6.0], [1.0, 2.0])):
        r = np.array([[1.0], [last]], np.float32)
        found = fast(log_rho, r, never, never, v_tm1, v_t, gamma=0.5, lambda_=1.0, rho_clip=1.0, c_clip=1.0)
        np.testing.assert_allclose(found.target[:, 0], target, rtol=1e-6)
        np.testing.assert_allclose(found.advantage[:, 0], advantage, rtol=1e-6, atol=1e-7)


def test_a_termination_has_no_future_and_a_truncation_its_own():
    """One step, ρ = 1, r = 1, v = 2, γ = ½, v of the final observation 8: 1 − 2 after an end, 1 + 4 − 2 after a cut."""
    one = [np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)]
    values = np.full((1, 1), 2.0), np.full((1, 1), 8.0)
    yes, no = np.ones((1, 1), bool), np.zeros((1, 1), bool)
    settings = {"gamma": 0.5, "lambda_": 1.0, "rho_clip": 1.0, "c_clip": 1.0}
    for flags, expected in (((yes, no), -1.0), ((no, yes), 3.0), ((no, no), 3.0)):
        found = fast(*one, *flags, *values, **settings)
        np.testing.assert_allclose(found.advantage, [[expected]], rtol=1e-6)
        np.testing.assert_allclose(found.target, [[2.0 + expected]], rtol=1e-6)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 0.5), (100.0, 100.0)])
@pytest.mark.parametrize("lambda_", [0.0, 0.7, 1.0])
def test_the_slow_loop(bounds, lambda_):
    for seed in range(5):
        trajectory = drawn(seed)
        given_ = {"gamma": 0.9, "lambda_": lambda_, "rho_clip": bounds[0], "c_clip": bounds[1]}
        target, advantage = slow(*trajectory, **given_)
        found = fast(*trajectory, **given_)
        # Float32 sums of up to 7 products.
        np.testing.assert_allclose(found.target, target, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.advantage, advantage, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), lambda_=st.sampled_from([0.0, 0.5, 1.0]))
def test_on_policy_it_is_the_lambda_return_and_the_generalised_advantage(seed, lambda_):
    _, r, terminated, truncated, v_tm1, v_t = drawn(seed)
    on_policy = np.zeros_like(r)
    found = fast(on_policy, r, terminated, truncated, v_tm1, v_t, gamma=0.9, lambda_=lambda_, rho_clip=1.0, c_clip=1.0)
    discount_t, lambda_t = discounts(tf.constant(terminated), tf.constant(truncated), gamma=0.9, lambda_=lambda_)
    v_tm1, v_t = tf.constant(v_tm1), tf.constant(v_t, tf.float32)
    np.testing.assert_allclose(found.advantage, gae(r, discount_t, v_tm1, v_t, lambda_t), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.target, lambda_returns(r, discount_t, v_t, lambda_t), rtol=1e-4, atol=1e-5)


def test_an_action_that_the_policy_no_longer_takes_has_no_say():
    """ρ = 0 in the second step: vs₁ = v₁, and the first step's target ends there."""
    log_rho, r, _, _, v_tm1, v_t = drawn(0, end=0.0)
    log_rho[1] = -np.inf
    never = np.zeros_like(r, bool)
    given_ = {"gamma": 0.9, "lambda_": 1.0, "rho_clip": 1.0, "c_clip": 1.0}
    found = fast(log_rho, r, never, never, v_tm1, v_t, **given_)
    np.testing.assert_allclose(found.target[1], v_tm1[1], rtol=1e-6)
    np.testing.assert_array_equal(found.advantage[1], np.zeros(WIDTH))
    assert np.isfinite(found.target).all()
    log_rho[1] = 1e4  # far beyond float32's exp: bounded by ρ̄
    assert np.isfinite(fast(log_rho, r, never, never, v_tm1, v_t, **given_).target).all()


def test_no_gradient_flows_and_what_follows_an_end_does_not_matter():
    log_rho, r, terminated, truncated, v_tm1, v_t = drawn(3)
    arguments = [tf.constant(x, tf.float32) for x in (log_rho, r, v_tm1, v_t)]
    discount_t, lambda_t = discounts(tf.constant(terminated), tf.constant(truncated), gamma=0.9, lambda_=1.0)
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        log_rho_t, r_t, v_tm1_t, v_t_t = arguments
        found = vtrace(log_rho_t, r_t, discount_t, v_tm1_t, v_t_t, lambda_t, rho_clip=1.0, c_clip=1.0)
        total = tf.reduce_sum(found.target) + tf.reduce_sum(found.advantage)
    assert tape.gradient(total, arguments) == [None] * 4
    v_t = np.where(terminated, np.nan, v_t)
    again = fast(log_rho, r, terminated, truncated, v_tm1, v_t, gamma=0.9, lambda_=1.0, rho_clip=1.0, c_clip=1.0)
    np.testing.assert_allclose(again.target, found.target, rtol=1e-6)
