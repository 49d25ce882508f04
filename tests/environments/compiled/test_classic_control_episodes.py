"""Compiled classic control: starts and ends of episodes, and independence within a batch."""

import math

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
import yaml
from classic_control import CASES, advance, columns_of, sample, state_of

from rl.environments.compiled import Acrobot, CartPole, MountainCar, MountainCarContinuous, Timed
from rl.errors import ConfigError
from rl.spaces import Discrete

EPS = np.finfo(np.float32).eps
SEED = tf.constant([3, 4])

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@cases
def test_an_environment_does_not_depend_on_the_others(case):
    """Bit for bit: replacing the states and actions of the odd environments does not change the even ones."""
    states, actions = sample(case, 600)
    other_states, other_actions = sample(case, 600, seed=1)
    even = np.arange(600) % 2 == 0
    mixed = advance(
        case,
        np.where(even[:, None], states, other_states),
        np.where(even, actions, other_actions).astype(actions.dtype),
    )
    for alone, among_others in zip(advance(case, states, actions), mixed, strict=True):
        np.testing.assert_array_equal(alone[even], among_others[even])


def uniforms(environment, seed):
    return tf.random.stateless_uniform((environment.num_envs, environment.num_uniforms), [seed, 5])


def middle_actions(environment):
    """Actions 0 and 1 in turn, or zero torque: no environment terminates within five steps."""
    space, n = environment.action_space, environment.num_envs
    return tf.range(n, dtype=tf.int64) % 2 if isinstance(space, Discrete) else tf.zeros((n, *space.shape))


@cases
def test_the_time_limit_truncates_at_its_step_and_begins_anew(case):
    """Each environment has its own counter: the i-th starts i steps into its episode."""
    environment = case.make(4, max_episode_steps=5)
    state, _ = environment.reset(SEED)
    state = Timed(state.inner, tf.range(4))
    for step in range(1, 13):
        numbers, action = uniforms(environment, step), middle_actions(environment)
        after, reward, _ = environment.advance(state.inner, action, numbers[:, environment.num_start_uniforms :])
        state, transition = environment.step(state, action, numbers)
        elapsed = (step + np.arange(4)) % 5
        at_limit = elapsed == 0
        last, first = environment.observe(after), environment.observe(environment.start(numbers))
        np.testing.assert_array_equal(transition.truncated, at_limit)
        np.testing.assert_array_equal(transition.terminated, [False] * 4)
        np.testing.assert_array_equal(transition.valid, [True] * 4)
        np.testing.assert_array_equal(transition.reward, reward)
        np.testing.assert_array_equal(transition.final_observation, last)
        np.testing.assert_array_equal(transition.observation, np.where(at_limit[:, None], first, last))
        np.testing.assert_array_equal(environment.observe(state.inner), transition.observation)
        np.testing.assert_array_equal(state.elapsed, elapsed)


@cases
def test_without_a_limit_nothing_is_truncated(case):
    environment = case.make(2)
    state, _ = environment.reset(SEED)
    state = Timed(state.inner, state.elapsed + 10_000)
    state, transition = environment.step(state, middle_actions(environment), uniforms(environment, 0))
    assert not transition.truncated.numpy().any()
    np.testing.assert_array_equal(state.elapsed, [10_001] * 2)


# A state from which every action terminates.
AT_THE_END = {
    CartPole: [2.39, 3, 0, 0],
    Acrobot: [math.pi, 0, 0, 0],
    MountainCar: [0.49, 0.05],
    MountainCarContinuous: [0.44, 0.05],
}


@pytest.mark.parametrize("case", [case for case in CASES if case.ours in AT_THE_END], ids=lambda case: case.id)
def test_terminated_at_the_limit_is_terminated_and_not_truncated(case):
    environment = case.make(3, max_episode_steps=5)
    inner = state_of(case, tf.constant([AT_THE_END[case.ours]] * 3, tf.float32))
    numbers = uniforms(environment, 0)
    state, transition = environment.step(Timed(inner, tf.constant([4, 3, 0])), middle_actions(environment), numbers)
    np.testing.assert_array_equal(transition.terminated, [True] * 3)
    np.testing.assert_array_equal(transition.truncated, [False] * 3)
    np.testing.assert_array_equal(state.elapsed, [0] * 3)
    np.testing.assert_array_equal(transition.observation, environment.observe(environment.start(numbers)))


@cases
def test_first_states_are_uniform_in_gymnasiums_range(case):
    """Mean and covariance of 100,000, to 5 standard errors: w/√(12 n) for a mean, w²/12 √(c/n) for a covariance,

    with c = 0.8 on the diagonal (the kurtosis of a uniform is 1.8) and 1 beside it. Rounding adds 2 units to a bound.
    """
    n = 100_000
    state, observation = case.make(n).reset(SEED)
    first = columns_of(state.inner).numpy().astype(np.float64)
    width = case.start_high - case.start_low
    assert (first >= case.start_low - 2 * EPS).all()
    assert (first <= case.start_high + 2 * EPS * np.maximum(1, case.start_high)).all()
    np.testing.assert_array_less(
        abs(first.mean(0) - (case.start_low + case.start_high) / 2), 5 * width / (12 * n) ** 0.5 + EPS
    )
    error = np.cov(first.T) - np.diag(width**2 / 12)
    k = len(width)
    bound = 5 * np.outer(width, width) / 12 * np.sqrt(np.where(np.eye(k), 0.8, 1) / n)
    assert (abs(error) <= bound + EPS * EPS).all()
    np.testing.assert_array_equal(observation, case.make(n).observe(state.inner))
    np.testing.assert_array_equal(state.elapsed, np.zeros(n))


@cases
def test_the_range_of_first_states_is_the_one_that_gymnasium_draws_from(case):
    environment = gymnasium.make(case.id).unwrapped
    drawn = []
    for seed in range(300):
        environment.reset(seed=seed)
        drawn.append(np.array(environment.state, np.float64))
    drawn, width = np.array(drawn), case.start_high - case.start_low
    assert (drawn >= case.start_low - EPS).all()
    assert (drawn <= case.start_high + EPS).all()
    # 300 draws leave 5 % at either end empty with probability 2e-7.
    assert (drawn.min(0) <= case.start_low + 0.05 * width).all()
    assert (drawn.max(0) >= case.start_high - 0.05 * width).all()


@cases
def test_equal_seeds_equal_starts_other_seeds_other_starts(case):
    environment = case.make(8)
    one, same, other = (environment.reset(tf.constant([3, seed]))[1].numpy() for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any(-1).all()


@cases
def test_spaces_and_the_configs_time_limit_are_gymnasiums(case, root):
    spec, theirs = gymnasium.spec(case.id), gymnasium.make(case.id)
    name = case.ours.__module__.rsplit(".", 1)[1]
    config = yaml.safe_load((root / "configs" / "environment" / "compiled" / f"{name}.yaml").read_text())
    assert config["max_episode_steps"] == spec.max_episode_steps
    assert config["_target_"] == f"rl.environments.compiled.{case.ours.__name__}"
    assert case.ours.observation_shape == theirs.observation_space.shape
    if isinstance(case.ours.action_space, Discrete):
        assert case.ours.action_space.n == theirs.action_space.n
        assert theirs.action_space.start == 0
    else:
        np.testing.assert_array_equal(case.ours.action_space.low, theirs.action_space.low)
        np.testing.assert_array_equal(case.ours.action_space.high, theirs.action_space.high)


@cases
def test_an_episode_of_random_play_has_gymnasiums_observations(case):
    """Observation shape and dtype hold in the whole step, under XLA, in a loop."""
    environment = case.make(16, max_episode_steps=20)

    @tf.function(jit_compile=True)
    def play():
        state, observation = environment.reset(SEED)
        space = environment.action_space
        observations = tf.TensorArray(tf.float32, 50)
        for step in tf.range(50):
            numbers = tf.random.stateless_uniform((16, environment.num_uniforms), tf.stack([step, 7]))
            action = tf.random.stateless_uniform((16,), tf.stack([step, 8]))
            action = tf.cast(action * space.n, tf.int64) if isinstance(space, Discrete) else 6 * action[:, None] - 3
            state, transition = environment.step(state, action, numbers)
            observations = observations.write(step, transition.observation)
        return observations.stack(), state.elapsed, observation

    observations, elapsed, first = play()
    space = gymnasium.make(case.id).observation_space
    assert observations.shape == (50, 16, *space.shape)
    assert first.dtype == tf.float32
    assert (elapsed.numpy() < 20).all()
    # The sum of squares of a float32 sine and cosine may be a unit above 1.
    assert (observations.numpy() <= space.high * (1 + EPS)).all()
    assert (observations.numpy() >= space.low * (1 + EPS)).all()


@cases
@pytest.mark.parametrize(("key", "value"), [("num_envs", 0), ("num_envs", -3), ("max_episode_steps", 0)])
def test_a_number_that_cannot_be_is_named(case, key, value):
    with pytest.raises(ConfigError, match=f"{key} is {value}; it must be a .*whole number"):
        case.ours(**{"num_envs": 2, "max_episode_steps": None, key: value})
