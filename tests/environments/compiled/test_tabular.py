"""Finite MDPs as compiled environments: frequencies of transitions, and each problem's arrays by hand."""

import hydra
import numpy as np
import pytest
import tensorflow as tf
from omegaconf import OmegaConf

from rl.environments.compiled.tabular import Baird, Chain, FiniteMDP, Garnet, GridWorld, TabularMDP, exact
from rl.environments.compiled.tabular.mdp import TabularState
from rl.errors import ConfigError
from rl.spaces import Discrete

SEED = tf.constant([3, 4])
ONE = {"num_envs": 1, "max_episode_steps": None}
GRID = {"height": 3, "width": 4, "start": [2, 0], "goal": [0, 3], "walls": [[1, 1]]}
MAKERS = {
    "chain": lambda **size: Chain(**size, num_states=5, slip=0.2),
    "garnet": lambda **size: Garnet(**size, num_states=12, num_actions=3, branching=4, instance=7),
    "baird": Baird,
    "gridworld": lambda **size: GridWorld(**size, **GRID, slip=0.3),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def play(environment, num_steps, policy):
    """States, actions, successors, ends and rewards of a policy's steps, each [T, N], by one compiled program."""
    n, cumulative = environment.num_envs, tf.constant(np.cumsum(policy, 1)[:, :-1], tf.float32)

    @tf.function(jit_compile=True)
    def run():
        state, _ = environment.reset(SEED)
        arrays = [tf.TensorArray(kind, num_steps) for kind in (tf.int32, tf.int32, tf.int32, tf.bool, tf.float32)]
        for t in tf.range(num_steps):
            uniforms = tf.random.stateless_uniform((n, environment.num_uniforms + 1), tf.stack([t, 11]))
            here = state.inner.state
            action = tf.reduce_sum(tf.cast(uniforms[:, 2:] >= tf.gather(cumulative, here), tf.int64), -1)
            after, _, _ = environment.advance(state.inner, action, uniforms[:, 1:2])
            state, transition = environment.step(state, action, uniforms[:, :2])
            new = (here, tf.cast(action, tf.int32), after.state, transition.terminated, transition.reward)
            arrays = [array.write(t, x) for array, x in zip(arrays, new, strict=True)]
        return [array.stack() for array in arrays]

    return [x.numpy() for x in run()]


def some_policy(mdp):
    weights = np.random.default_rng(5).uniform(0.2, 1, mdp.reward.shape)
    return weights / weights.sum(1, keepdims=True)


@makers
def test_steps_are_as_frequent_as_their_probabilities(make):
    """400,000 steps: each count of (s, a, s') within 4 standard deviations of a binomial, an impossible one 0."""
    environment = make(num_envs=2000, max_episode_steps=None)
    mdp = environment.mdp
    states, actions, successors, terminated, rewards = play(environment, 200, some_policy(mdp))
    counts = np.zeros(mdp.transition.shape)
    np.add.at(counts, (states, actions, successors), 1)
    tried = counts.sum(-1, keepdims=True)
    assert (tried[mdp.live] > 100).all()
    spread = np.sqrt(tried * mdp.transition * (1 - mdp.transition))
    assert (abs(counts - tried * mdp.transition)[mdp.live] <= 4 * spread[mdp.live]).all()
    np.testing.assert_array_equal(terminated, mdp.terminal[successors])
    np.testing.assert_array_equal(rewards, mdp.reward[states, actions].astype(np.float32))
    first = np.bincount(states[0], minlength=len(mdp.start))
    assert (abs(first - 2000 * mdp.start) <= 4 * np.sqrt(2000 * mdp.start * (1 - mdp.start))).all()


@makers
def test_long_runs_visit_states_by_the_stationary_distribution(make):
    """Shares over 300 steps after 300 others, by which the start is forgotten to less than the error.

    The 2,000 environments are independent: the standard error of the mean share is taken from their spread.
    """
    environment = make(num_envs=2000, max_episode_steps=None)
    mdp = environment.mdp
    policy = some_policy(mdp)
    states, *_ = play(environment, 600, policy)
    shares = (states[300:, :, None] == np.arange(len(mdp.start))).mean(0)
    error = shares.std(0) / np.sqrt(2000)
    expected = exact.stationary_distribution(mdp, policy)
    assert (abs(shares.mean(0) - expected) <= 4 * error).all()


@makers
def test_eager_and_compiled_steps_are_equal_and_environments_independent(make):
    """Integers and looked-up numbers: bit for bit. A batch's half alone draws what it draws in the whole."""
    environment, half = make(num_envs=64, max_episode_steps=3), make(num_envs=32, max_episode_steps=3)
    state, _ = environment.reset(SEED)
    action = tf.range(64, dtype=tf.int64) % environment.action_space.n
    uniforms = tf.random.stateless_uniform((64, environment.num_uniforms), SEED)
    eager = tf.nest.flatten(environment.step(state, action, uniforms))
    compiled = tf.nest.flatten(tf.function(environment.step, jit_compile=True)(state, action, uniforms))
    first = tf.nest.map_structure(lambda x: x[:32], state)
    alone = tf.nest.flatten(half.step(first, action[:32], uniforms[:32]))
    for a, b, c in zip(eager, compiled, alone, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[:32], c)


def test_rounding_brings_no_impossible_state_about():
    """Ten tenths add up to less than 1 in floating point; before, between and after them are impossible states."""
    row = np.zeros(23)
    row[1:21:2] = 0.1
    transition = np.tile(row, (23, 1, 1))
    environment = TabularMDP(
        num_envs=1, max_episode_steps=None, mdp=FiniteMDP(transition, np.zeros((23, 1)), np.zeros(23, bool), row)
    )
    edges = np.float32(np.arange(11) / 10)
    numbers = np.concatenate([edges, np.nextafter(edges, np.float32(0)), np.nextafter(edges, np.float32(2))])
    numbers = np.unique(numbers[(numbers >= 0) & (numbers < 1)])
    assert numbers[0] == 0
    assert numbers[-1] == 1 - 2.0**-24
    uniforms = tf.constant(numbers[:, None])
    zeros = tf.zeros(len(numbers), tf.int32)
    expected = 1 + 2 * (np.float32(np.cumsum(np.full(9, 0.1))) <= numbers[:, None]).sum(1)
    after, _, _ = environment.advance(TabularState(zeros), zeros, uniforms)
    np.testing.assert_array_equal(after.state, expected)
    np.testing.assert_array_equal(environment.start(uniforms).state, expected)
    assert (expected.min(), expected.max()) == (1, 19)


def test_the_chain_by_hand():
    """n = 3, slip ¼: from 3, right ends with ¾ and so has reward ¾; the middle is 2."""
    mdp = Chain(**ONE, num_states=3, slip=0.25).mdp
    np.testing.assert_array_equal(mdp.transition[2], [[0, 0.75, 0, 0.25, 0], [0, 0.25, 0, 0.75, 0]])
    np.testing.assert_array_equal(mdp.reward, [[0, 0], [0, 0], [0, 0], [0.25, 0.75], [0, 0]])
    np.testing.assert_array_equal(mdp.terminal, [True, False, False, False, True])
    np.testing.assert_array_equal(mdp.start, [0, 0, 1, 0, 0])
    assert Chain(**ONE, num_states=4, slip=0).mdp.start.argmax() == 2
    assert Chain(**ONE, num_states=1, slip=0).mdp.start.argmax() == 1


def test_an_episode_of_the_chain_ends_and_begins_anew():
    environment = Chain(num_envs=1, max_episode_steps=None, num_states=3, slip=0)
    state, observation = environment.reset(SEED)
    seen = [observation.numpy().argmax()]
    for _ in range(2):
        state, transition = environment.step(state, tf.constant([1], tf.int64), tf.zeros((1, 2)))
        seen += [transition.final_observation.numpy().argmax(), transition.observation.numpy().argmax()]
    assert seen == [2, 3, 3, 4, 2]
    assert (bool(transition.terminated[0]), float(transition.reward[0]), int(state.elapsed[0])) == (True, 1.0, 0)


@pytest.mark.parametrize(("states", "actions", "branching"), [(1, 1, 1), (10, 3, 1), (30, 4, 5), (6, 2, 6)])
def test_a_garnet_has_its_branching(states, actions, branching):
    sizes = {"num_states": states, "num_actions": actions, "branching": branching}
    mdp = Garnet(**ONE, **sizes, instance=0).mdp
    np.testing.assert_array_equal((mdp.transition > 0).sum(-1), np.full((states, actions), branching))
    np.testing.assert_allclose(mdp.transition.sum(-1), 1, rtol=0, atol=1e-14)
    assert not mdp.terminal.any()
    same, other = (Garnet(**ONE, **sizes, instance=instance).mdp for instance in (0, 1))
    np.testing.assert_array_equal(mdp.transition, same.transition)
    np.testing.assert_array_equal(mdp.reward, same.reward)
    assert (mdp.reward != other.reward).all()


def test_bairds_features_are_the_books():
    """Figure 11.1: 2w₁ + w₈, …, 2w₆ + w₈ in the upper states and w₇ + 2w₈ in the lower."""
    environment = Baird(**ONE)
    expected = [
        [2, 0, 0, 0, 0, 0, 0, 1],
        [0, 2, 0, 0, 0, 0, 0, 1],
        [0, 0, 2, 0, 0, 0, 0, 1],
        [0, 0, 0, 2, 0, 0, 0, 1],
        [0, 0, 0, 0, 2, 0, 0, 1],
        [0, 0, 0, 0, 0, 2, 0, 1],
        [0, 0, 0, 0, 0, 0, 1, 2],
    ]
    np.testing.assert_array_equal(environment.observe(TabularState(tf.range(7))), expected)
    assert environment.observation_shape == (8,)
    assert environment.action_space == Discrete(2)
    np.testing.assert_array_equal(environment.mdp.reward, np.zeros((7, 2)))
    np.testing.assert_allclose(environment.mdp.transition[:, 0], np.tile([1 / 6] * 6 + [0], (7, 1)))
    np.testing.assert_array_equal(environment.mdp.transition[:, 1], np.tile([0] * 6 + [1], (7, 1)))


def test_moves_and_walls_of_the_grid_by_hand():
    """Where up, right, down and left lead on

    0 1 2 G
    4 # 5 6
    7 8 9 10      (the goal G is state 3, the start 7)
    """
    environment = GridWorld(**ONE, **GRID, slip=0.0)
    led = environment.mdp.transition.argmax(-1)
    expected = {0: [0, 1, 4, 0], 1: [1, 2, 1, 0], 2: [2, 3, 5, 1], 4: [0, 4, 7, 4], 5: [2, 6, 9, 5]}
    expected |= {6: [3, 6, 10, 5], 7: [4, 8, 7, 7], 8: [8, 9, 8, 7], 9: [5, 10, 9, 8], 10: [6, 10, 10, 9]}
    for state, successors in expected.items():
        assert led[state].tolist() == successors, state
    np.testing.assert_array_equal(environment.mdp.transition.max(-1), 1)
    rewards = np.zeros((11, 4))
    rewards[2, 1] = rewards[6, 0] = 1
    np.testing.assert_array_equal(environment.mdp.reward, rewards)
    assert np.flatnonzero(environment.mdp.terminal).tolist() == [3]
    assert np.flatnonzero(environment.mdp.start).tolist() == [7]
    assert environment.cells[3:6] == [(0, 3), (1, 0), (1, 2)]
    assert environment.observation_shape == (11,)


def test_a_slip_on_the_grid_is_a_move_at_random():
    """At 2 with slip 0.4, right: 0.6 + 0.1 for the goal, 0.1 each for up (stays), down and left."""
    mdp = GridWorld(**ONE, **GRID, slip=0.4).mdp
    np.testing.assert_allclose(mdp.transition[2, 1, [3, 2, 5, 1]], [0.7, 0.1, 0.1, 0.1], rtol=1e-15)
    assert mdp.reward[2, 1] == pytest.approx(0.7)


@pytest.mark.parametrize("name", ["chain", "garnet", "baird", "gridworld"])
def test_every_config_builds_an_environment_that_steps(root, name):
    config = OmegaConf.load(root / "configs" / "environment" / "compiled" / "tabular" / f"{name}.yaml")
    environment = hydra.utils.instantiate(config, num_envs=3)
    state, observation = environment.reset(SEED)
    _, transition = environment.step(state, tf.zeros(3, tf.int64), tf.zeros((3, environment.num_uniforms)))
    assert observation.shape == transition.observation.shape == (3, *environment.observation_shape)


GARNET = {"num_states": 5, "num_actions": 2, "branching": 2, "instance": 0}
BAD = [
    (Chain, {"num_states": 0, "slip": 0.1}, r"num_states is 0; it must be a whole number in \[1, 2,000\]"),
    (Chain, {"num_states": 3, "slip": 1.1}, r"slip is 1.1; it must be a number in \[0, 1\]"),
    (Garnet, {**GARNET, "num_states": 0}, "num_states is 0; it must be"),
    (Garnet, {**GARNET, "num_actions": 0}, "num_actions is 0; it must be"),
    (Garnet, {**GARNET, "branching": 6}, r"branching is 6; .*from 1 to .* 5 \(environment.branching\)"),
    (Garnet, {**GARNET, "branching": 0}, "branching is 0; it must be"),
    (Garnet, {**GARNET, "instance": -1}, "instance is -1; it must be"),
    (GridWorld, {**GRID, "height": 0, "slip": 0}, "height is 0; it must be"),
    (GridWorld, {**GRID, "width": 0, "slip": 0}, "width is 0; it must be"),
    (GridWorld, {**GRID, "slip": -0.1}, "slip is -0.1; it must be"),
    (GridWorld, {**GRID, "slip": 0, "start": [3, 0]}, r"start has the cell \[3, 0\]; .*0 to 2 .*\(environment.start\)"),
    (
        GridWorld,
        {**GRID, "slip": 0, "goal": [0, -1]},
        r"goal\[1\] is -1; it must be a whole number that is not negative",
    ),
    (GridWorld, {**GRID, "slip": 0, "walls": [[0]]}, r"walls\[0\] is \[0\]; it must be a list of 2"),
    (GridWorld, {**GRID, "slip": 0, "start": [1, 1]}, r"start is \[1, 1\], a wall; .*\(environment.start\)"),
    (GridWorld, {**GRID, "slip": 0, "goal": [1, 1]}, r"goal is \[1, 1\], a wall; .*\(environment.goal\)"),
    (GridWorld, {**GRID, "slip": 0, "goal": [2, 0]}, r"start and goal are both \[2, 0\]"),
    (Baird, {"max_episode_steps": 0}, "max_episode_steps is 0; it must be a whole number in"),
    (Baird, {"num_envs": 0}, "num_envs is 0; it must be a positive whole number"),
]


@pytest.mark.parametrize(("problem", "arguments", "message"), BAD)
def test_a_parameter_that_cannot_be_is_named(problem, arguments, message):
    with pytest.raises(ConfigError, match=message):
        problem(**{**ONE, **arguments})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transition": np.ones((2, 1, 3))}, r"shapes .*must be \[S, A, S\]"),
        ({"transition": np.full((2, 1, 2), 0.4)}, r"transition\[s, a\] is no distribution"),
        ({"transition": np.tile([-0.5, 1.5], (2, 1, 1))}, r"transition\[s, a\] is no distribution"),
        ({"start": [0.5, 0.4]}, "start is no distribution"),
        ({"terminal": [True, False]}, "start gives a terminal state a probability"),
        ({"reward": [[np.nan], [0]]}, "reward holds a number that is not finite"),
    ],
)
def test_arrays_that_are_no_mdp_are_refused(changes, message):
    arrays = {
        "transition": np.full((2, 1, 2), 0.5),
        "reward": np.zeros((2, 1)),
        "terminal": np.zeros(2, bool),
        "start": np.array([0.5, 0.5]),
    }
    with pytest.raises(ConfigError, match=message):
        TabularMDP(**ONE, mdp=FiniteMDP(**{**arrays, **changes}))


def test_features_need_a_row_for_each_state():
    with pytest.raises(ConfigError, match=r"features have shape \(3, 2\); it must be \[7, F\]"):
        TabularMDP(**ONE, mdp=Baird(**ONE).mdp, features=np.zeros((3, 2)))
