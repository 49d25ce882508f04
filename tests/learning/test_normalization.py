"""The normalizer: moments equal to NumPy's of all that was seen, standing still during a rollout."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.errors import ConfigError
from rl.learning.normalization import Normalizer
from rl.spaces import Box, Dict, spec, unbounded

PAIR = tf.TensorSpec((2,), tf.float32)

EPS = np.finfo(np.float32).eps
BOTH = {"observations": True, "rewards": True, "reward_scale": 1.0, "gamma": 0.5, "clip": 10.0}


def rollout(rng, length=6, num_envs=3, offset=0.0, p_end=0.2):
    """(observation, reward, ended, valid); after an end comes a step on which nothing was done, with reward 0."""
    observation = (rng.normal(size=(length, num_envs, 2)) * [1, 7] + offset).astype(np.float32)
    ended = np.zeros((length, num_envs), bool)
    for t in range(length):
        ended[t] = (rng.random(num_envs) < p_end) & ~(ended[t - 1] if t else False)
    valid = ~np.roll(ended, 1, 0)
    valid[0] = True
    return observation, np.where(valid, rng.normal(size=valid.shape), 0).astype(np.float32), ended, valid


def take_in(normalizer, rollouts):
    state = normalizer.init(rollouts[0][1].shape[1], PAIR)
    for each in rollouts:
        state = normalizer.update(state, *map(tf.constant, each))
    return state


def discounted(rollouts, gamma):
    """R_t = r_t + γ R_{t−1}, anew after an end, at every valid step of every rollout: the loop."""
    traces, running = [], np.zeros(rollouts[0][1].shape[1])
    for _, reward, ended, valid in rollouts:
        for t in range(len(reward)):
            running = reward[t] + gamma * running
            traces.extend(running[valid[t]])
            running = np.where(ended[t], 0, running)
    return np.array(traces), running


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from([0.0, 100.0, 1e6]))
def test_merged_moments_equal_numpys_over_all_valid_data(seed, lengths, offset):
    """In float64: a mean of numbers near the offset, known to 1e-14 of it, and squares of what is left."""
    rng = np.random.default_rng(seed)
    rollouts = [rollout(rng, length, offset=offset) for length in lengths]
    moments = take_in(Normalizer(**BOTH), rollouts).observation
    seen = np.concatenate([observation[valid] for observation, _, _, valid in rollouts]).astype(np.float64)
    assert float(moments.count) == len(seen)
    np.testing.assert_allclose(moments.mean, seen.mean(0), rtol=1e-14, atol=1e-12)
    np.testing.assert_allclose(moments.m2 / moments.count, seen.var(0), rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 0.99, 1.0]))
def test_the_rewards_statistics_are_those_of_the_discounted_return(seed, lengths, gamma):
    """Returns of at most 36 rewards of order one, in float32: 36 roundings of 36."""
    rng = np.random.default_rng(seed)
    rollouts = [rollout(rng, length) for length in lengths]
    state = take_in(Normalizer(**{**BOTH, "gamma": gamma}), rollouts)
    traces, running = discounted(rollouts, gamma)
    bound = 36 * 36 * 4 * EPS
    assert float(state.reward.count) == len(traces)
    np.testing.assert_allclose(state.reward.mean, traces.mean(), rtol=0, atol=bound)
    np.testing.assert_allclose(state.reward.m2 / state.reward.count, traces.var(), rtol=0, atol=2 * 36 * bound)
    np.testing.assert_allclose(state.returns, running, rtol=0, atol=bound)


def test_observations_that_were_seen_come_to_mean_zero_and_variance_one():
    """Half a unit in the last place of the offset 100, over a deviation of 1."""
    rollouts = [rollout(np.random.default_rng(0), 40, offset=100.0) for _ in range(2)]
    normalizer = Normalizer(**BOTH)
    state = take_in(normalizer, rollouts)
    seen = np.concatenate([normalizer.observation(state, o).numpy()[valid] for o, _, _, valid in rollouts])
    np.testing.assert_allclose(seen.astype(np.float64).mean(0), 0, atol=100 * EPS)
    np.testing.assert_allclose(seen.astype(np.float64).var(0), 1, atol=4 * 100 * EPS)


@pytest.mark.parametrize("rubbish", [1e6, -3.0])
@pytest.mark.parametrize("which", ["observation", "reward"])
def test_what_is_not_valid_has_no_influence(which, rubbish):
    observation, reward, ended, valid = rollout(np.random.default_rng(1), 20, p_end=0.4)
    assert not valid.all()
    clean = take_in(Normalizer(**BOTH), [(observation, reward, ended, valid)])
    if which == "observation":
        observation = np.where(valid[..., None], observation, np.float32(rubbish))
    else:
        reward = np.where(valid, reward, np.float32(rubbish))
    spoilt = take_in(Normalizer(**BOTH), [(observation, reward, ended, valid)])
    tf.nest.map_structure(np.testing.assert_array_equal, spoilt, clean)


def test_the_statistics_stand_still_during_a_rollout():
    """One and the same function at every step: normalising step by step, in any order, is normalising all at once."""
    rng, normalizer = np.random.default_rng(2), Normalizer(**BOTH)
    state = take_in(normalizer, [rollout(rng)])
    before = [x.numpy().copy() for x in tf.nest.flatten(state)]
    observation, reward, ended, valid = rollout(rng, offset=50.0)
    whole = normalizer.observation(state, observation), normalizer.reward(state, reward)
    for t in reversed(range(len(reward))):
        np.testing.assert_array_equal(normalizer.observation(state, observation[t]), whole[0][t])
        np.testing.assert_array_equal(normalizer.reward(state, reward[t]), whole[1][t])
    normalizer.update(state, *map(tf.constant, (observation, reward, ended, valid)))
    for x, old in zip(tf.nest.flatten(state), before, strict=True):
        np.testing.assert_array_equal(x, old)


def test_rewards_are_scaled_and_never_shifted():
    """Trace at γ = ½: 4, then 2 + ½·4 = 4, then −4 + 2 = −2, 1: mean 7/4, squares 37/4 − 49/16 = 99/16."""
    normalizer = Normalizer(**BOTH)
    reward = tf.constant([[4.0], [2.0], [-4.0], [2.0]])
    state = normalizer.update(normalizer.init(1, PAIR), tf.zeros((4, 1, 2)), reward, reward > 9, reward < 9)
    np.testing.assert_allclose(state.reward.m2 / 4, 99 / 16, rtol=1e-15)
    scaled = normalizer.reward(state, tf.constant([0.0, 1.0, -1.0, 1e6, -1e6]))
    one = 1 / np.sqrt(99 / 16)
    np.testing.assert_allclose(scaled, [0.0, one, -one, 10.0, -10.0], rtol=2 * EPS)


def test_what_is_switched_off_is_left_as_it_is():
    rng = np.random.default_rng(3)
    observation, reward, ended, valid = rollout(rng, offset=1e3)
    off = Normalizer(observations=False, rewards=False, reward_scale=2.0, gamma=0.5, clip=0.25)
    state = off.update(off.init(3, PAIR), *map(tf.constant, (observation, reward, ended, valid)))
    assert float(state.observation.count) == float(state.reward.count) == 0
    np.testing.assert_array_equal(off.observation(state, observation), observation)
    np.testing.assert_array_equal(off.reward(state, reward), 2 * reward)


def test_without_statistics_numbers_stay_as_they_are_and_a_constant_becomes_zero():
    normalizer = Normalizer(**BOTH)
    x, state = tf.constant([[0.1, -9.0]]), normalizer.init(1, PAIR)
    np.testing.assert_array_equal(normalizer.observation(state, x), x)
    np.testing.assert_array_equal(normalizer.reward(state, x), x)
    always = tf.repeat(x[None], 7, 0)
    state = normalizer.update(state, always, tf.zeros((7, 1)), tf.zeros((7, 1)) > 0, tf.ones((7, 1)) > 0)
    np.testing.assert_array_equal(normalizer.observation(state, x), tf.zeros((1, 2)))


@pytest.mark.parametrize(("key", "value"), [("gamma", -0.1), ("gamma", 1.1), ("clip", 0.0), ("reward_scale", -1.0)])
def test_a_value_outside_the_range_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"{key} is {value}; it must be"):
        Normalizer(**{**BOTH, key: value})


scales = st.floats(-8, 8).map(lambda power: 10.0**power)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, scales)
def test_what_the_estimators_and_the_network_see_does_not_depend_on_the_scale(seed, scale):
    """A rollout of rewards and observations in other units is the same rollout; float32 rounds the units themselves."""
    rng, normalizer = np.random.default_rng(seed), Normalizer(**BOTH)
    observation, reward, ended, valid = rollout(rng, 20)
    times = np.float32(scale)
    plain, scaled = (take_in(normalizer, [(observation * s, reward * s, ended, valid)]) for s in (np.float32(1), times))
    np.testing.assert_allclose(
        normalizer.reward(scaled, reward * times), normalizer.reward(plain, reward), rtol=100 * EPS, atol=EPS
    )
    np.testing.assert_allclose(
        normalizer.observation(scaled, observation * times),
        normalizer.observation(plain, observation),
        rtol=0,
        atol=100 * EPS,
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.sampled_from([0.0, 1e3, 1e6, 1e9]), scales)
def test_an_offset_in_float64_does_not_swallow_the_spread(seed, offset, scale):
    """Relative to the spread float64 holds the offset to 1e-16 · 1e9, and the sums of sixty numbers lose a digit."""
    rng, normalizer = np.random.default_rng(seed), Normalizer(**BOTH)
    _, reward, ended, valid = rollout(rng, 20)
    spread = rng.normal(size=(*valid.shape, 2))
    far = (spread + offset) * scale
    state = take_in(normalizer, [(far, reward, ended, valid)])
    seen = normalizer.observation(state, tf.constant(far))
    assert seen.dtype == tf.float32
    kept = spread[valid]
    np.testing.assert_allclose(seen, np.clip((spread - kept.mean(0)) / kept.std(0), -10, 10), rtol=0, atol=1e-5)


def test_observations_come_as_float32_whether_normalised_or_not():
    for on in (True, False):
        normalizer = Normalizer(**{**BOTH, "observations": on})
        for dtype in (tf.float32, tf.float64):
            assert normalizer.observation(normalizer.init(1, PAIR), tf.ones((1, 2), dtype)).dtype == tf.float32


@pytest.mark.parametrize("constant", [0.1, -1000.1, 1e-20, 3e15])
def test_a_constant_has_no_spread_however_often_it_is_seen(constant):
    """In float64 the mean of equal numbers may be off by rounding, which must not be taken for a deviation."""
    normalizer, state = Normalizer(**BOTH), Normalizer(**BOTH).init(3, PAIR)
    always, nothing = np.full((7, 3, 2), constant), np.zeros((7, 3), bool)
    for _ in range(5):
        state = normalizer.update(state, *map(tf.constant, (always, np.zeros((7, 3), np.float32), nothing, ~nothing)))
    np.testing.assert_allclose(normalizer.observation(state, tf.constant(always)), 0.0, atol=1e-15 * abs(constant))


@pytest.mark.parametrize("rubbish", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_in_a_step_that_is_not_valid_has_no_influence(rubbish):
    observation, reward, ended, valid = rollout(np.random.default_rng(1), 20, p_end=0.4)
    clean = take_in(Normalizer(**BOTH), [(observation, reward, ended, valid)])
    spoilt_observation = np.where(valid[..., None], observation, np.float32(rubbish))
    spoilt = take_in(
        Normalizer(**BOTH), [(spoilt_observation, np.where(valid, reward, np.float32(rubbish)), ended, valid)]
    )
    tf.nest.map_structure(np.testing.assert_array_equal, spoilt, clean)


def test_a_nest_of_observations_has_statistics_of_its_own_and_frames_have_none():
    """Each entry is normalised as it would be alone; uint8 comes out as it went in."""
    space = Dict({"frame": unbounded((2, 2), np.uint8), "speed": Box(np.zeros(1, np.float32), np.ones(1, np.float32))})
    normalizer, frame = Normalizer(**BOTH), tf.cast(tf.reshape(tf.range(4 * 3 * 4) * 5, (4, 3, 2, 2)), tf.uint8)
    speed = tf.random.stateless_normal((4, 3, 1), (0, 1)) * 3 + 7
    never, valid = tf.zeros((4, 3), tf.bool), tf.ones((4, 3), tf.bool)
    state = normalizer.init(3, spec(space))
    after = normalizer.update(state, {"frame": frame, "speed": speed}, tf.ones((4, 3)), never, valid)
    seen = normalizer.observation(after, {"frame": frame, "speed": speed})
    np.testing.assert_array_equal(seen["frame"], frame)
    assert seen["frame"].dtype == tf.uint8
    alone = normalizer.update(normalizer.init(3, tf.TensorSpec((1,))), speed, tf.ones((4, 3)), never, valid)
    np.testing.assert_array_equal(seen["speed"], normalizer.observation(alone, speed))
    np.testing.assert_allclose(np.std(seen["speed"]), 1, rtol=1e-5)
    assert float(after.observation["frame"].count) == 0
