"""The policy's losses: tables by hand, their gradients, and the bounds of clipping."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators import approximate_kl, clip_fraction, clipped_surrogate_loss, policy_gradient_loss

EPS = np.finfo(np.float32).eps
floats = st.floats(-20, 20, width=32)
pairs = st.integers(1, 6).flatmap(lambda n: hnp.arrays(np.float32, (2, n), elements=floats))


def gradients(loss, *arguments):
    """Gradients of the summed losses with respect to every argument; None where no gradient flows."""
    arguments = [tf.constant(argument, tf.float32) for argument in arguments]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        total = loss(*arguments)
    return tape.gradient(total, arguments)


def test_policy_gradient_loss_and_its_gradient():
    """−log π · A: −(−1)·2 = 2 and −(−3)·(−4) = −12; the gradient is −A, and the advantage receives none."""
    np.testing.assert_array_equal(
        policy_gradient_loss(tf.constant([-1.0, -3.0]), tf.constant([2.0, -4.0])), [2.0, -12.0]
    )
    d_log_prob, d_advantage = gradients(policy_gradient_loss, [-1.0, -3.0], [2.0, -4.0])
    np.testing.assert_array_equal(d_log_prob, [-2.0, 4.0])
    assert d_advantage is None


# ρ, A, the loss −min(ρA, clip(ρ)A) at ε = ½, and its gradient with respect to log ρ: −ρA, or 0 where clipped.
CLIP_TABLE = [
    (0.25, 1.0, -0.25, -0.25),
    (1.0, 1.0, -1.0, -1.0),
    (1.25, 1.0, -1.25, -1.25),
    (2.0, 1.0, -1.5, 0.0),
    (0.25, -1.0, 0.5, 0.0),
    (1.0, -1.0, 1.0, 1.0),
    (1.25, -1.0, 1.25, 1.25),
    (2.0, -1.0, 2.0, 2.0),
    (2.0, 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("ratio", "advantage", "loss", "gradient"), CLIP_TABLE)
def test_clipped_surrogate_by_hand(ratio, advantage, loss, gradient):
    """Two roundings, of the logarithm and of the exponential: 4 units in the last place."""

    def surrogate(log_ratio, advantage):
        return clipped_surrogate_loss(log_ratio, advantage, clip=0.5)

    log_ratio = np.log([ratio])
    np.testing.assert_allclose(surrogate(tf.constant(log_ratio, tf.float32), [advantage]), [loss], rtol=4 * EPS)
    d_log_ratio, d_advantage = gradients(surrogate, log_ratio, [advantage])
    np.testing.assert_allclose(d_log_ratio, [gradient], rtol=4 * EPS)
    assert d_advantage is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(pairs)
def test_at_ratio_one_the_surrogate_has_the_policy_gradient(pair):
    advantage = pair[0]
    d_surrogate, _ = gradients(lambda x, a: clipped_surrogate_loss(x, a, clip=0.2), np.zeros_like(advantage), advantage)
    d_policy, _ = gradients(policy_gradient_loss, np.zeros_like(advantage), advantage)
    np.testing.assert_array_equal(d_surrogate, d_policy)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(pairs, st.floats(0.015625, 0.875, width=32))
def test_the_surrogate_is_pessimistic_and_clipping_is_one_sided(pair, clip):
    """Never below −ρA; where it is above, no gradient is left, and the ratio lies outside the clip range."""
    log_ratio, advantage = tf.constant(pair[0]), tf.constant(pair[1])
    loss, plain = clipped_surrogate_loss(log_ratio, advantage, clip=clip), -tf.exp(log_ratio) * advantage
    assert np.all(loss >= plain)
    d_log_ratio, _ = gradients(lambda x, a: clipped_surrogate_loss(x, a, clip=clip), *pair)
    above = np.asarray(loss > plain)
    np.testing.assert_array_equal(np.asarray(d_log_ratio)[above], 0.0)
    np.testing.assert_array_equal(np.asarray(d_log_ratio)[~above], np.asarray(plain)[~above])
    # 1 ± ε rounds, so that a ratio at the very border may be clipped and not counted, or the other way about.
    inside = np.abs(np.exp(np.float64(pair[0])) - 1) < clip * (1 - 1e-5)
    assert not np.any(above & inside)


def test_clip_fraction_by_hand():
    """ε = ½: ρ = 1/4, 1, 1.25 and 2 lie outside, inside, inside, outside."""
    log_ratio = tf.math.log([0.25, 1.0, 1.25, 2.0])
    np.testing.assert_array_equal(clip_fraction(log_ratio, clip=0.5), [1.0, 0.0, 0.0, 1.0])


def test_approximate_kl_by_hand():
    """(ρ − 1) − log ρ at ρ = 1, 2, ½: 0, 1 − log 2, log 2 − ½; a difference of numbers below 1, three roundings."""
    log_2 = np.log(2)
    k = approximate_kl(tf.constant([0.0, log_2, -log_2], tf.float32))
    np.testing.assert_allclose(k, [0.0, 1 - log_2, log_2 - 0.5], rtol=0, atol=3 * EPS)
    assert float(k[0]) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(hnp.arrays(np.float32, st.integers(1, 20), elements=floats))
def test_approximate_kl_is_never_negative(log_ratio):
    assert np.all(approximate_kl(tf.constant(log_ratio)) >= 0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(2, 6).flatmap(lambda n: hnp.arrays(np.float64, (2, n), elements=st.floats(-5, 5))))
def test_approximate_kl_is_unbiased(logits):
    """Σ π_old [(ρ − 1) − log ρ] = KL(π_old, π), since Σ π_old ρ = 1. Float64; ρ ≤ e¹⁰ costs four digits of sixteen."""
    old, new = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    mean = np.sum(np.exp(old) * approximate_kl(tf.constant(new - old)))
    np.testing.assert_allclose(mean, np.sum(np.exp(old) * (old - new)), rtol=0, atol=1e-11)


def test_approximate_kl_pulls_the_ratio_to_one():
    """Its gradient with respect to log ρ is ρ − 1: exactly 0 at ρ = 1. Elsewhere two roundings."""
    (gradient,) = gradients(approximate_kl, np.log([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(gradient, [-0.5, 0.0, 1.0], rtol=4 * EPS)
