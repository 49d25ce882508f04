"""Masked entries, clipped terms and steps beyond an episode's end reach no value and no gradient, finite or not.

Every function runs eagerly and in an XLA program, since the two treat NaN differently.
"""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.distributions import Categorical, DiagonalGaussian
from rl.estimators import (
    approximate_kl,
    clip_fraction,
    clipped_surrogate_loss,
    clipped_value_loss,
    discounted_returns,
    explained_variance,
    gae,
    gradient_correction_loss,
    huber_value_loss,
    lambda_returns,
    masked_mean,
    masked_variance,
    n_step_returns,
    policy_gradient_loss,
    residual_loss,
    squared_value_loss,
    standardize,
    td_error,
)

EPS, INF, NAN = np.finfo(np.float32).eps, np.inf, np.nan
PROPERTY = settings(max_examples=25, deadline=None, derandomize=True)
MODES = pytest.mark.parametrize("mode", ["eager", "xla"])
rubbish = st.sampled_from([NAN, INF, -INF, 3e38, -1e20])
seeds = st.integers(0, 10**6)


def differentiated(function):
    """(value, gradients of its sum with respect to every argument), eagerly and compiled."""

    def both(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = function(*arguments)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, arguments, unconnected_gradients="zero")

    return {"eager": both, "xla": tf.function(both, jit_compile=True, autograph=False)}


def floats(*arrays):
    return tuple(tf.constant(array, tf.float32) for array in arrays)


# Averages: x, or v and target, and a mask of six.
MASKED = {
    "masked_mean": differentiated(masked_mean),
    "masked_variance": differentiated(masked_variance),
    "standardize": differentiated(standardize),
    "explained_variance": differentiated(lambda x, valid: explained_variance(x, tf.roll(x, 3, 0), valid)),
}


@MODES
@pytest.mark.parametrize("name", MASKED)
@PROPERTY
@given(seed=seeds, rubbish=rubbish)
def test_an_invalid_entry_reaches_neither_average_nor_gradient(name, mode, seed, rubbish):
    rng = np.random.default_rng(seed)
    x, valid = rng.normal(size=6), np.array([1, 0, 1, 1, 0, 1.0])
    spoilt = np.where(valid > 0, x, rubbish)
    clean = np.where(valid > 0, x, 0.0)
    (value, (gradient, _)), (expected, (clean_gradient, _)) = (
        MASKED[name][mode](*floats(each, valid)) for each in (spoilt, clean)
    )
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(gradient, clean_gradient)
    np.testing.assert_array_equal(np.asarray(gradient)[valid == 0], 0.0)


# Returns: r, v of two episodes, [4, 1]; the first terminates or is truncated at the second step.
RETURNS = {
    "lambda_returns": differentiated(lambda r, d, v, a: lambda_returns(r, d, v, 0.9 * a)),
    "discounted_returns": differentiated(discounted_returns),
    "n_step_returns": differentiated(lambda r, d, v, a: n_step_returns(r, d, v, a, n=3)),
    "gae": differentiated(lambda r, d, v, a: gae(r, d, tf.zeros_like(v), v, 0.9 * a)),
}


@MODES
@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("name", RETURNS)
@PROPERTY
@given(seed=seeds, rubbish=rubbish)
def test_nothing_crosses_an_episodes_end(name, terminated, mode, seed, rubbish):
    """Not the next episode's rewards and values, nor, after a termination, the value that it would have had."""
    rng = np.random.default_rng(seed)
    reward, v = rng.normal(size=(2, 4, 1))
    discount, continues = np.full((4, 1), 0.9), np.array([[1.0], [0.0], [1.0], [1.0]])
    discount[1] = 0.0 if terminated else 0.9
    spoilt_reward, spoilt_v = reward.copy(), v.copy()
    spoilt_reward[2:], spoilt_v[2:] = rubbish, rubbish
    if terminated:
        spoilt_v[1] = rubbish

    def first_episode(r, v):
        value, gradients = RETURNS[name][mode](*floats(r, discount, v, continues))
        return np.asarray(value)[:2], gradients

    value, _ = first_episode(spoilt_reward, spoilt_v)
    np.testing.assert_array_equal(value, first_episode(reward, v)[0])


RESIDUALS = {
    "residual_loss": differentiated(lambda v, v_t, d: residual_loss(v, tf.ones_like(v), d, v_t, eta=1.0)),
    "gradient_correction_loss": differentiated(
        lambda v, v_t, d: gradient_correction_loss(v, tf.ones_like(v), d, v_t, 0.5 * tf.ones_like(v))
    ),
    "td_error": differentiated(lambda v, v_t, d: td_error(v, tf.ones_like(v), d, v_t)),
}


@MODES
@pytest.mark.parametrize("name", RESIDUALS)
@pytest.mark.parametrize("rubbish", [NAN, INF, -INF])
def test_the_value_after_a_termination_reaches_nothing(name, rubbish, mode):
    (value, gradients), (expected, clean) = (
        RESIDUALS[name][mode](*floats([0.3, -2.0], [1.0, after], [0.9, 0.0])) for after in (rubbish, 7.0)
    )
    np.testing.assert_array_equal(value, expected)
    for ours, theirs in zip(gradients[:2], clean[:2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


SURROGATE = differentiated(lambda log_ratio, advantage: clipped_surrogate_loss(log_ratio, advantage, clip=0.2))


@MODES
@pytest.mark.parametrize(
    ("log_ratio", "advantage", "loss", "gradient"),
    [
        (100.0, 1.0, -1.2, 0.0),  # clipped: however large the ratio
        (100.0, -1.0, INF, INF),  # e¹⁰⁰ is beyond float32
        (100.0, 0.0, 0.0, 0.0),
        (80.0, -1.0, np.exp(80.0), np.exp(80.0)),
        (-100.0, 1.0, 0.0, 0.0),  # −e⁻¹⁰⁰, below float32
        (-100.0, -1.0, 0.8, 0.0),
        (-100.0, 0.0, 0.0, 0.0),
        (INF, 1.0, -1.2, 0.0),
        (-INF, 1.0, 0.0, 0.0),
        (-INF, -1.0, 0.8, 0.0),
        (NAN, 1.0, NAN, NAN),  # what is not a number is not hidden
    ],
)
def test_the_surrogate_at_extreme_ratios(log_ratio, advantage, loss, gradient, mode):
    value, (d_log_ratio, d_advantage) = SURROGATE[mode](*floats([log_ratio], [advantage]))
    # An exponential of 80 has the rounding of its argument, 80 times as large.
    np.testing.assert_allclose(value, [loss], rtol=100 * EPS, atol=1e-37)
    np.testing.assert_allclose(d_log_ratio, [gradient], rtol=100 * EPS, atol=1e-37)
    np.testing.assert_array_equal(d_advantage, [0.0])


@MODES
@PROPERTY
@given(log_ratio=st.floats(-500, 500, width=32), advantage=st.floats(-1e8, 1e8, width=32))
def test_the_surrogates_gradient_is_the_analytic_one(log_ratio, advantage, mode):
    value, (gradient, _) = SURROGATE[mode](*floats([log_ratio], [advantage]))
    ratio = np.exp(np.float64(np.float32(log_ratio)))
    if min(abs(ratio - 0.8), abs(ratio - 1.2)) < 1e-5:
        return
    with np.errstate(over="ignore"):
        loss = -np.float32(min(ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage))
        clipped = (ratio > 1.2 and advantage > 0) or (ratio < 0.8 and advantage < 0)
        slope = np.float32(0.0 if clipped else -ratio * advantage)
    if 1e38 < abs(ratio * advantage) < 1e40:  # ratio and product do not overflow at the same place
        return
    np.testing.assert_allclose(value, [loss], rtol=500 * EPS, atol=1e-30)
    np.testing.assert_allclose(gradient, [slope], rtol=500 * EPS, atol=1e-30)


@MODES
def test_the_kl_estimate_and_the_clip_fraction_at_extreme_ratios(mode):
    extremes = floats([0.0, 100.0, -100.0, INF, -INF])
    value, (gradient,) = differentiated(approximate_kl)[mode](*extremes)
    np.testing.assert_allclose(value, [0.0, INF, 99.0, INF, INF], rtol=EPS)
    assert not np.isnan(gradient).any()
    fraction, _ = differentiated(lambda x: clip_fraction(x, clip=0.2))[mode](*extremes)
    np.testing.assert_array_equal(fraction, [0.0, 1.0, 1.0, 1.0, 1.0])


VALUES = {
    "squared": differentiated(lambda v: squared_value_loss(v, tf.zeros_like(v))),
    "huber": differentiated(lambda v: huber_value_loss(v, tf.zeros_like(v), delta=1.0)),
    "clipped": differentiated(lambda v: clipped_value_loss(v, tf.zeros_like(v), tf.ones_like(v), clip=0.2)),
    "policy": differentiated(lambda x: policy_gradient_loss(x, 2.0 * tf.ones_like(x))),
}


@MODES
@pytest.mark.parametrize("name", VALUES)
def test_losses_beyond_float32_have_gradients_that_are_numbers(name, mode):
    v = np.array([1e20, -1e20, 1e38, 1e-30], np.float32)
    value, (gradient,) = VALUES[name][mode](tf.constant(v))
    assert not np.isnan(value).any()
    expected = {"huber": [1.0, -1.0, 1.0, 1e-30], "policy": [-2.0] * 4, "squared": v, "clipped": [*v[:3], 0.0]}[name]
    np.testing.assert_allclose(gradient, expected, rtol=EPS, atol=0)


@st.composite
def masked_logits(draw):
    """Logits of n actions, of which some but not all are masked, and the actions that are not."""
    n = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(seeds))
    masked = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    masked[draw(st.integers(0, n - 1))] = False
    scale = draw(st.sampled_from([1.0, 100.0]))
    return np.where(masked, -INF, scale * rng.normal(size=n)).astype(np.float32), np.flatnonzero(~masked)


def of_categorical(logits, other, action):
    distribution = Categorical(logits.shape[-1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([logits, other])
        log_prob, entropy = distribution.log_prob(logits, action), distribution.entropy(logits)
        kl = distribution.kl(logits, other)
    gradients = [tape.gradient(log_prob, logits), tape.gradient(entropy, logits), *tape.gradient(kl, [logits, other])]
    return log_prob, entropy, kl, gradients


OF_CATEGORICAL = {
    "eager": of_categorical,
    "xla": tf.function(of_categorical, jit_compile=True, reduce_retracing=False, autograph=False),
}


@MODES
@PROPERTY
@given(case=masked_logits(), seed=seeds)
def test_masked_actions_are_as_if_they_were_not_there(case, seed, mode):
    """Values and gradients are those of the distribution over the others alone; sums of six, a few roundings."""
    logits, open_actions = case
    rng = np.random.default_rng(seed)
    other = np.where(np.isfinite(logits), rng.normal(size=len(logits)), -INF).astype(np.float32)
    place = rng.integers(len(open_actions))
    masked = OF_CATEGORICAL[mode](tf.constant(logits), tf.constant(other), tf.constant(open_actions[place]))
    alone = of_categorical(*map(tf.constant, (logits[open_actions], other[open_actions], place)))
    # log p is as large as the logits, 300 and more.
    for ours, theirs in zip(masked[:3], alone[:3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=20 * EPS, atol=400 * EPS)
    for ours, theirs in zip(masked[3], alone[3], strict=True):
        np.testing.assert_allclose(np.asarray(ours)[open_actions], theirs, rtol=20 * EPS, atol=2000 * EPS)
        np.testing.assert_array_equal(np.delete(np.asarray(ours), open_actions), 0.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(masked_logits(), seeds)
def test_masked_actions_are_never_taken(case, seed):
    logits, open_actions = case
    distribution = Categorical(len(logits))
    noise = distribution.noise((200,), tf.constant([seed, 1]))
    assert set(distribution.sample(tf.constant(logits), noise).numpy()) <= set(open_actions)
    assert int(distribution.mode(tf.constant(logits))) == open_actions[np.argmax(logits[open_actions])]


@MODES
def test_kl_is_infinite_only_where_an_action_that_is_taken_is_masked_in_the_other(mode):
    two_of_three, all_three, action = floats([0.0, -INF, 0.0]), floats([0.0, 0.0, 0.0]), tf.constant(0)
    assert float(OF_CATEGORICAL[mode](*all_three, *two_of_three, action)[2]) == INF
    kl = OF_CATEGORICAL[mode](*two_of_three, *all_three, action)[2]
    np.testing.assert_allclose(kl, np.log(3 / 2), rtol=4 * EPS)


@MODES
@pytest.mark.parametrize("action", [-1, 3, 100])
def test_the_log_prob_of_what_is_no_action_is_not_a_number(action, mode):
    log_prob, _, _, gradients = OF_CATEGORICAL[mode](*floats([0.0, 1.0, 2.0], [0.0] * 3), tf.constant(action))
    assert np.isnan(log_prob)
    assert np.isfinite(gradients[0]).all()


@MODES
def test_the_log_prob_of_a_masked_action_is_minus_infinity(mode):
    log_prob, _, _, gradients = OF_CATEGORICAL[mode](*floats([0.0, -INF, 2.0], [0.0] * 3), tf.constant(1))
    assert float(log_prob) == -INF
    assert np.isfinite(gradients[0]).all()


def of_gaussian(parameters, other, action):
    distribution = DiagonalGaussian(1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([parameters, other])
        numbers = (
            distribution.log_prob(parameters, action),
            distribution.entropy(parameters),
            distribution.kl(parameters, other),
        )
    gradients = [tape.gradient(number, parameters) for number in numbers] + [tape.gradient(numbers[2], other)]
    return numbers, gradients, distribution.sample(parameters, tf.constant([4.0]))


OF_GAUSSIAN = {"eager": of_gaussian, "xla": tf.function(of_gaussian, jit_compile=True, autograph=False)}


@MODES
@pytest.mark.parametrize("log_std", [-1e4, -100.0, -80.0, 80.0, 100.0, 1e4])
def test_a_gaussian_with_an_extreme_deviation(log_std, mode):
    """At its mean log π is −log σ − ½ log 2π, with the gradients 0 and −1; it is 0 away from itself in KL."""
    parameters = tf.constant([0.5, log_std])
    (log_prob, entropy, kl), gradients, sample = OF_GAUSSIAN[mode](parameters, parameters, tf.constant([0.5]))
    np.testing.assert_allclose(log_prob, -log_std - 0.5 * np.log(2 * np.pi), rtol=4 * EPS)
    np.testing.assert_allclose(entropy, log_std + 0.5 * np.log(2 * np.pi * np.e), rtol=4 * EPS)
    assert float(kl) == 0.0
    for gradient, expected in zip(gradients, ([0, -1], [0, 1], [0, 0], [0, 0]), strict=True):
        np.testing.assert_array_equal(gradient, expected)
    assert np.isfinite(sample).all()


@MODES
@pytest.mark.parametrize("log_std", [-1e4, -100.0, 100.0, 1e4])
def test_a_gaussian_far_from_its_mean_may_be_infinite_but_is_a_number(log_std, mode):
    (log_prob, _, kl), gradients, _ = OF_GAUSSIAN[mode](
        tf.constant([0.0, log_std]), tf.constant([1.0, log_std]), tf.constant([3.0])
    )
    assert not np.isnan([log_prob, kl]).any()
    for gradient in gradients:
        assert not np.isnan(gradient).any()
    if log_std < 0:  # σ has to grow, and without end
        assert float(gradients[0][1]) > 0
