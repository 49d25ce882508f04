"""The Gymnasium adapter: both autoreset modes, spaces, seeds and errors."""

import re

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from counting import Counting  # registers Counting-v0

from rl.environments import GymnasiumEnvironment
from rl.errors import BadEnvironmentError, ConfigError
from rl.spaces import Box, Discrete

SEED = tf.constant([3, 4])


def make(id="Counting-v0", num_envs=2, vectorization="sync", **more):
    return GymnasiumEnvironment(id=id, num_envs=num_envs, vectorization=vectorization, **more)


def play(environment, actions):
    state, observation = environment.reset(SEED)
    transitions = []
    for action in actions:
        state, transition = environment.step(state, action, SEED)
        transitions.append(transition)
    return observation.numpy(), [type(t)(*(x.numpy() for x in t)) for t in transitions]


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_same_step_gives_the_final_observation_beside_the_next_episodes_first(end):
    first, transitions = play(
        make(autoreset="same_step", kwargs={"length": 3, "end": end}), [tf.zeros(2, tf.int64)] * 4
    )
    np.testing.assert_array_equal(first, [[0, 0], [0, 0]])
    assert [t.reward[0] for t in transitions] == [1, 2, 3, 1]
    assert [t.terminated[0] for t in transitions] == [False, False, end == "terminated", False]
    assert [t.truncated[0] for t in transitions] == [False, False, end == "truncated", False]
    np.testing.assert_array_equal(transitions[2].final_observation[0], [0, 3])
    np.testing.assert_array_equal(transitions[2].observation[0], [1, 0])
    np.testing.assert_array_equal(transitions[3].final_observation[0], [1, 1])
    assert all(t.valid.all() for t in transitions)


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_next_step_marks_the_step_that_a_reset_took_as_not_valid(end):
    _, transitions = play(make(autoreset="next_step", kwargs={"length": 3, "end": end}), [tf.zeros(2, tf.int64)] * 5)
    assert [bool(t.valid[0]) for t in transitions] == [True, True, True, False, True]
    assert [t.reward[0] for t in transitions] == [1, 2, 3, 0, 1]
    assert [bool(t.terminated[0] | t.truncated[0]) for t in transitions] == [False, False, True, False, False]
    np.testing.assert_array_equal(transitions[2].observation[0], [0, 3])
    np.testing.assert_array_equal(transitions[2].final_observation[0], [0, 3])
    np.testing.assert_array_equal(transitions[3].observation[0], [1, 0])


def test_native_cartpole_is_gymnasiums_own_step_by_step():
    ours, theirs = make("CartPole-v1", 4, "native"), gymnasium.make_vec("CartPole-v1", num_envs=4)
    state, observation = ours.reset(SEED)
    word = int(np.random.SeedSequence([3, 4]).generate_state(1)[0] % (2**31 - 1))
    expected, _ = gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode="vector_entry_point").reset(
        seed=word
    )
    np.testing.assert_array_equal(observation, expected)
    theirs.close()
    reference = gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode="vector_entry_point")
    reference.reset(seed=word)
    actions = np.random.default_rng(0).integers(2, size=(300, 4))
    ended_before = np.zeros(4, bool)
    for action in actions:
        state, transition = ours.step(state, tf.constant(action), SEED)
        observation, reward, terminated, truncated, _ = reference.step(action)
        np.testing.assert_array_equal(transition.observation, observation)
        np.testing.assert_array_equal(transition.reward, reward)
        np.testing.assert_array_equal(transition.terminated, terminated)
        np.testing.assert_array_equal(transition.truncated, truncated)
        np.testing.assert_array_equal(transition.valid, ~ended_before)
        ended_before = terminated | truncated
    assert int(state) == 300


def test_observations_that_were_handed_out_do_not_change_later():
    environment = make(autoreset="same_step")
    state, first = environment.reset(SEED)
    before = first.numpy().copy()
    state, second = environment.step(state, tf.zeros(2, tf.int64), SEED)
    kept = second.observation.numpy().copy()
    environment.step(state, tf.zeros(2, tf.int64), SEED)
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(second.observation, kept)


def test_discrete_actions_start_at_zero_here_and_where_the_space_says_there():
    assert make().action_space == Discrete(3)
    play(make(autoreset="same_step"), [tf.constant([0, 2])])  # −1 and 1 there, or Counting's assertion fails
    assert Counting().action_space.start == -1


def test_discrete_observations_become_one_hot():
    environment = make("FrozenLake-v1", autoreset="same_step")
    _, observation = environment.reset(SEED)
    np.testing.assert_array_equal(observation, np.eye(16, dtype=np.float32)[[0, 0]])


def test_box_actions_are_clipped_to_the_bounds():
    environment = make("Pendulum-v1", autoreset="same_step")
    assert isinstance(environment.action_space, Box)
    _, beyond = play(environment, [tf.constant([[9.0], [-9.0]])])
    _, at_bounds = play(make("Pendulum-v1", autoreset="same_step"), [tf.constant([[2.0], [-2.0]])])
    np.testing.assert_array_equal(beyond[0].observation, at_bounds[0].observation)


def test_equal_seeds_equal_starts_other_seeds_other_starts():
    environment = make("CartPole-v1", 4, "native")
    one, two = environment.reset(SEED)[1].numpy(), environment.reset(SEED)[1].numpy()
    other = environment.reset(tf.constant([3, 5]))[1].numpy()
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).min() > 0


def test_an_environments_exception_is_named_and_kept():
    environment = make("Breaking-v0", autoreset="same_step")
    step = lambda state: environment.step(state, tf.zeros(2, tf.int64), SEED)[1].reward  # noqa: E731
    in_a_graph = tf.function(step, autograph=False)
    state, _ = environment.reset(SEED)
    in_a_graph(state)
    with pytest.raises(tf.errors.OpError):
        in_a_graph(state)
    error = environment.exception
    assert isinstance(error, BadEnvironmentError)
    assert re.fullmatch(
        r"environment 'Breaking-v0', number 0, step 2 \(2 of its episode\): ZeroDivisionError: the simulator broke "
        r"\(.*counting\.py:\d+ in step\)",
        str(error),
    )
    causes = [error := error.__cause__ for _ in range(2)]
    assert isinstance(causes[-1], ZeroDivisionError)  # as it was raised, with its own traceback


@pytest.mark.parametrize(
    ("id", "more", "message"),
    [
        ("Cartpole-v1", {}, r"'Cartpole-v1' is not known .*CartPole-v1.*environment\.id"),
        ("no_such_module:Thing-v0", {}, r"environment\.id"),
        ("Blackjack-v1", {}, "observations of kind Tuple"),
        (
            "CartPole-v1",
            {"vectorization": "threads"},
            "vectorization is 'threads'; it must be one of native, sync, async",
        ),
        ("CartPole-v1", {"vectorization": "native", "autoreset": "same_step"}, r"environment\.autoreset=null"),
        ("CartPole-v1", {"autoreset": "never"}, "autoreset is 'never'; it must be one of next_step, same_step or null"),
        ("Acrobot-v1", {"vectorization": "native"}, r"environment\.vectorization"),
        ("CartPole-v1", {"kwargs": {"gravity": 2}}, r"environment\.kwargs"),
        ("CartPole-v1", {"num_envs": 0}, "num_envs is 0"),
    ],
)
def test_bad_input_names_thing_value_choices_and_key(id, more, message):
    with pytest.raises(ConfigError, match=message):
        make(id, **more)


def test_an_unsupported_action_space_is_named():
    class Many(Counting):
        def __init__(self, render_mode=None):
            super().__init__()
            self.action_space = gymnasium.spaces.MultiDiscrete([2, 2])

    gymnasium.register("Many-v0", Many)
    with pytest.raises(ConfigError, match=r"actions of kind MultiDiscrete.*Discrete and flat Box"):
        make("Many-v0")
