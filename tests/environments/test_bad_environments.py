"""Every kind of faulty environment, in one process and in several: the error names the fault, and none gets past it."""

import re

import numpy as np
import pytest
import tensorflow as tf
from faulting import bad

from rl.environments import GymnasiumEnvironment
from rl.errors import BadEnvironmentError, ConfigError

SEED = tf.constant([3, 4])
EXITS = {"exits": SystemExit, "interrupts": KeyboardInterrupt}
WHERE = r"environment 'Bad-v0', number 0, step 3 \(3 of its episode\): "
SAID = {
    "nan_observation": r"the observation\[1\] is nan; it must be finite",
    "inf_observation": r"the observation\[1\] is -inf",
    "huge_observation": r"the observation\[1\] is 3e\+38; it must be finite, and at most 1e\+30",
    "wide_observation": r"the observation has shape \(4,\); the space declares \(3,\)",
    "narrow_observation": r"the observation has shape \(1,\)",
    "scalar_observation": r"the observation has shape \(\)",
    "no_observation": r"the observation is None",
    "text_observation": r"the observation is 'up' \(str\); the space declares float32 \(3,\)",
    "object_observation": r"the observation is an array of object",
    "complex_observation": r"the observation is an array of complex64",
    "ragged_observation": r"the observation is \[1\.0, \[2\.0\], 3\.0\] \(list\)",
    "dict_observation": r"the observation is of type dict",
    "nan_final_observation": r"the final observation\[1\] is nan",
    "nan_reward": r"the reward is nan",
    "inf_reward": r"the reward is inf",
    "huge_reward": r"the reward is 1e\+300",
    "no_reward": r"the reward is None \(NoneType\); it must be a number",
    "text_reward": r"the reward is 'good' \(str\)",
    "complex_reward": r"the reward is 1j",
    "two_rewards": r"the reward is an array of float64 \(2,\)",
    "dict_reward": r"the reward is {'speed': 1\.0}",
    "terminated_none": r"terminated is None .* must be True or False",
    "terminated_text": r"terminated is 'no'",
    "four_results": r"`step` returns 4 values; it must return \(observation, reward, terminated, truncated, info\)",
    "no_result": r"`step` returns None",
    "info_none": r"info is None .* must be a dict",
    "raises": r"ZeroDivisionError: the simulator broke \(.*bad\.py:\d+ in _raise\)",
    "raises_many_lines": r"ValueError: first line second line \(",
    "raises_unpicklable": r"Local: not to be sent",
    "raises_without_words": r"AssertionError \(",
    "recurses": r"RecursionError: .* \(.*bad\.py:\d+ in again\)",
}
IN_RESET = {
    "raises_in_reset": r"OSError: no level file",
    "nan_in_reset": r"the observation\[0\] is nan",
    "wide_reset": r"the observation has shape \(4,\)",
    "reset_without_info": r"`reset` returns an array of float32 \(3,\); it must return \(observation, info\)",
}


def make(fault, vectorization="sync", **kwargs):
    return GymnasiumEnvironment(
        id="Bad-v0",
        num_envs=2,
        vectorization=vectorization,
        autoreset="same_step",
        kwargs={"fault": fault, **kwargs},
    )


def play(environment, steps=9):
    """The rewards of some steps in eager mode, where TensorFlow does not wrap exceptions."""
    state, _ = environment.reset(SEED)
    rewards = []
    for _ in range(steps):
        state, transition = environment.step(state, tf.zeros(2, tf.int64), SEED)
        rewards.append(transition.reward.numpy())
    return np.stack(rewards)


def test_every_fault_has_its_words():
    assert {*SAID, *EXITS} == {*bad.STEPS}
    assert {*IN_RESET} == {*bad.RESETS}


@pytest.mark.parametrize("fault", SAID)
def test_a_bad_step_is_named(fault):
    environment = make(fault)
    with pytest.raises(BadEnvironmentError, match=WHERE + SAID[fault]) as raised:
        play(environment)
    assert "\n" not in str(raised.value)
    assert environment.exception is raised.value


@pytest.mark.parametrize("fault", ["wide_observation", "narrow_observation", "no_reward", "raises_unpicklable"])
def test_the_same_from_a_process_of_its_own(fault):
    environment = make(fault, "async")
    with pytest.raises(BadEnvironmentError, match=WHERE + SAID[fault]):
        play(environment)
    environment.close()
    assert not any(process.is_alive() for process in environment._env.processes)


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("fault", IN_RESET)
def test_a_bad_reset_is_named_the_first_and_a_later_one(fault, at):
    where = r"number 0, in its reset: " if at == 0 else r"number 0, step 8 \(8 of its episode\): "
    with pytest.raises(BadEnvironmentError, match=where + IN_RESET[fault]):
        play(make(fault, at=at))


@pytest.mark.parametrize("vectorization", ["sync", "async"])
@pytest.mark.parametrize("fault", EXITS)
def test_what_ends_a_program_ends_it_as_itself(fault, vectorization):
    environment = make(fault, vectorization)
    with pytest.raises(EXITS[fault]) as raised:
        play(environment)
    environment.close()
    assert getattr(raised.value, "code", None) == {"exits": 7, "interrupts": None}[fault]


@pytest.mark.parametrize(
    ("fault", "end"), [("dies", "ended with exit code 9"), ("is_killed", "was killed by SIGKILL, as one that runs out")]
)
def test_a_process_that_dies_is_named(fault, end):
    environment = make(fault, "async")
    with pytest.raises(BadEnvironmentError, match=rf"number [01], step 3 .*: its process {end}"):
        play(environment)
    environment.close()


def test_the_number_is_the_environments():
    environment = make("raises")
    for number, at in enumerate((99, 5)):
        environment._env.envs[number].unwrapped.at = at
    with pytest.raises(BadEnvironmentError, match=r"number 1, step 5 \(5 of its episode\)"):
        play(environment)


def test_steps_are_counted_on_and_within_the_episode_in_both_modes():
    for autoreset, step in (("same_step", 12), ("next_step", 13)):  # the ninth step of next_step is a reset
        kwargs = {"fault": "raises", "at": 12}
        environment = GymnasiumEnvironment(
            id="Bad-v0", num_envs=1, vectorization="sync", autoreset=autoreset, kwargs=kwargs
        )
        with pytest.raises(BadEnvironmentError, match=rf"step {step} \(4 of its episode\)"):
            state, _ = environment.reset(SEED)
            for _ in range(14):
                state, _ = environment.step(state, tf.zeros(1, tf.int64), SEED)


@pytest.mark.parametrize("fault", bad.TOLERATED)
def test_what_is_merely_odd_is_understood(fault):
    expected = np.ones((9, 2))
    expected[2] = {"whole_reward": 2, "reward_in_an_array": 2}.get(fault, 1)
    np.testing.assert_array_equal(play(make(fault)), expected)


def test_a_constructor_that_raises_is_a_mistake_in_the_config():
    with pytest.raises(ConfigError, match=r"'Bad-v0' cannot be made .*RuntimeError: no licence \(.*bad\.py:\d+"):
        make("raises_in_constructor")


@pytest.mark.parametrize(("fault", "why"), [("raises_in_close", "OSError: the window"), ("hangs_in_close", "not done")])
def test_closing_comes_to_an_end(monkeypatch, fault, why):
    monkeypatch.setattr("rl.environments.gymnasium_adapter._SECONDS_TO_CLOSE", 0.2)
    environment = make(fault)
    play(environment)
    with pytest.raises(BadEnvironmentError, match=re.escape(why)):
        environment.close()


def test_a_process_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr("rl.environments.processes._GRACE", 0.3)
    environment = make("hangs_in_step", "async", at=1)
    environment.reset(SEED)
    environment._env.step_async(np.zeros(2, int))
    with pytest.raises(BadEnvironmentError, match=r"number 0: did not close in 0 s and was killed"):
        environment.close()
    assert not any(process.is_alive() for process in environment._env.processes)
