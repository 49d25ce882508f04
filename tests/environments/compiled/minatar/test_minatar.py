"""Four games against MinAtar's own, transition by transition and to the last bit."""

from collections import Counter
from functools import cache
from pathlib import Path

import boundaries
import hydra
import numpy as np
import players
import pytest
import stages
import tensorflow as tf
import translations
from omegaconf import OmegaConf
from originals import Originals

from rl.environments.compiled import CompiledEnvironment
from rl.environments.compiled.minatar import Asterix, Breakout, Freeway, SpaceInvaders
from rl.environments.compiled.minatar.game import DOWN, FIRE, NOTHING, choice
from rl.errors import ConfigError

GAMES = {"breakout": Breakout, "asterix": Asterix, "freeway": Freeway, "space_invaders": SpaceInvaders}
SIZES = {"breakout": (100, 1050), "asterix": (100, 1050), "freeway": (40, 2600), "space_invaders": (100, 1050)}
CONFIGS = Path(__file__).resolve().parents[4] / "configs" / "environment" / "compiled" / "minatar"


@cache
def make(name, num_envs=4, sticky=0.1, ramping=True, limit=None) -> CompiledEnvironment:
    return GAMES[name](
        num_envs=num_envs,
        max_episode_steps=limit,
        sticky_action_probability=sticky,
        difficulty_ramping=ramping,
    )


@cache
def stepper(environment, compiled=True):
    """(state, action, uniforms) → the results of `advance`, before a reset, and of `step`."""

    def step(state, action, uniforms):
        advanced = environment.advance(state.inner, action, uniforms[:, environment.num_start_uniforms :])
        return advanced, environment.step(state, action, uniforms)

    return tf.function(step, jit_compile=True) if compiled else step


def draw(random, *shape):
    return random.random(shape, dtype=np.float32)


def arrays(state):
    return type(state)(*(x.numpy() for x in state))


def begin(environment, uniforms):
    state, _ = environment.reset(tf.constant([0, 0]))
    return state._replace(inner=environment.start(tf.constant(uniforms)))


def assert_same_state(name, ours, theirs, which=slice(None)):
    translated = {**getattr(translations, name)(ours), "last_action": ours.last_action}
    assert set(translated) == set(theirs)
    for key, value in theirs.items():
        np.testing.assert_array_equal(np.asarray(translated[key])[which], value, err_msg=f"{name}: {key}")


def staged(name, games, state):
    changed = type(state)(*(x.numpy().copy() for x in state))
    getattr(stages, name)(games, changed)
    return type(state)(*(tf.constant(x) for x in changed))


def follow(name, num_envs, steps, *, sticky=0.1, ramping=True, compiled=True):
    """Plays random actions in the first half of the games and a simple policy in the others; counts what happened."""
    environment = make(name, num_envs, sticky, ramping)
    step, player, boundary = stepper(environment, compiled), getattr(players, name), getattr(boundaries, name)
    random, starts, counts = np.random.default_rng(7), environment.num_start_uniforms, Counter()
    originals = Originals(name, num_envs, sticky, ramping)
    uniforms = draw(random, num_envs, starts)
    originals.reset(uniforms)
    state = begin(environment, uniforms)
    assert_same_state(name, arrays(state.inner), originals.state())
    np.testing.assert_array_equal(environment.observe(state.inner), originals.observation())
    state = state._replace(inner=staged(name, originals.games, state.inner))
    assert_same_state(name, arrays(state.inner), originals.state())

    for _ in range(steps):
        before = arrays(state.inner)
        at_random = (random.random(num_envs) < 0.05) | (np.arange(num_envs) < num_envs // 2)
        action = np.where(at_random, random.integers(6, size=num_envs), player(before, random))
        uniforms = draw(random, num_envs, environment.num_uniforms)
        (after, _, _), (state, transition) = step(state, tf.constant(action), tf.constant(uniforms))
        reward, terminated = originals.act(action, uniforms[:, starts:])

        np.testing.assert_array_equal(transition.reward, reward)
        np.testing.assert_array_equal(transition.terminated, terminated)
        assert_same_state(name, arrays(after), originals.state())
        observation = originals.observation()
        np.testing.assert_array_equal(transition.final_observation, observation)
        counts.update(
            {key: int(np.sum(value)) for key, value in boundary(before, arrays(after), reward, terminated).items()}
        )

        (ended,) = np.nonzero(terminated)
        if len(ended):
            originals.reset(uniforms, ended)
            assert_same_state(name, arrays(state.inner), originals.state(ended), ended)
            observation[ended] = originals.observation(ended)
        np.testing.assert_array_equal(transition.observation, observation)
    return counts


@pytest.mark.parametrize("name", GAMES)
def test_every_transition_is_minatars_and_every_boundary_was_met(name):
    num_envs, steps = SIZES[name]
    assert num_envs * steps >= 100_000
    counts = follow(name, num_envs, steps)
    assert not [key for key, count in counts.items() if count == 0]


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize(("sticky", "ramping", "compiled"), [(0, False, True), (1, True, False)])
def test_never_sticky_always_sticky_and_without_ramping(name, sticky, ramping, compiled):
    counts = follow(name, 40, 400 if compiled else 60, sticky=sticky, ramping=ramping, compiled=compiled)
    if not ramping:
        assert counts["raised"] == 0
        assert name != "space_invaders" or counts["wave cleared"] > 0


def play(environment, step, actions, uniforms):
    """Everything that a few transitions gave, [T, N, ...]; an episode begins with the first T's uniform numbers."""
    state = begin(environment, uniforms[0, :, : environment.num_start_uniforms])
    results = []
    for action, numbers in zip(actions, uniforms, strict=True):
        advanced, (state, transition) = step(state, tf.constant(action), tf.constant(numbers))
        results.append(tf.nest.map_structure(lambda x: x.numpy(), (advanced, state, transition)))
    return tf.nest.map_structure(lambda *x: np.stack(x), *results)


def assert_same(one, other):
    for x, y in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", GAMES)
def test_compiled_equals_eager_and_each_environment_is_on_its_own(name):
    num_envs, _ = SIZES[name]
    environment, random = make(name, num_envs), np.random.default_rng(3)
    actions = random.integers(6, size=(60, num_envs))
    uniforms = draw(random, 60, num_envs, environment.num_uniforms)
    whole = play(environment, stepper(environment), actions, uniforms)
    for part in (slice(11, 12), slice(20, 27)):
        alone = make(name, part.stop - part.start)
        eager = play(alone, stepper(alone, compiled=False), actions[:, part], uniforms[:, part])
        assert_same(tf.nest.map_structure(lambda x, part=part: x[:, part], whole), eager)


@pytest.mark.parametrize("name", GAMES)
def test_reset_is_a_new_games_start_and_has_shapes_and_types_of_the_protocol(name):
    environment = make(name)
    state, observation = environment.reset(tf.constant([1, 2]))
    channels = Originals(name, 1, 0.1, True).observation().shape[-1]
    assert observation.shape == (4, 10, 10, channels) == (4, *environment.observation_shape)
    assert observation.dtype == tf.float32
    assert set(np.unique(observation)) == {0, 1}
    np.testing.assert_array_equal(state.inner.last_action, [NOTHING] * 4)
    assert environment.action_space.n == 6


def test_the_last_action_outlives_a_truncated_episode():
    """Sticky below ½: 0.9 plays DOWN, which ends an episode of one step; 0.1 then plays DOWN and not FIRE."""
    environment = make("space_invaders", 1, sticky=0.5, limit=1)
    state, _ = environment.reset(tf.constant([1, 2]))
    for action, uniform, played in ((DOWN, 0.9, DOWN), (FIRE, 0.1, DOWN), (FIRE, 0.9, FIRE)):
        state, transition = environment.step(state, tf.constant([action]), tf.constant([[uniform]]))
        assert transition.truncated.numpy() == [True]
        assert state.inner.last_action.numpy() == [played]


def test_a_choice_by_hand_and_never_n():
    """⌊0.5 · 3⌋ = 1; 1 − 2⁻²⁴ is the largest number below 1, and gives n − 1 for every n."""
    np.testing.assert_array_equal(choice(tf.constant([0, 0.33, 0.34, 0.5, 0.67]), 3), [0, 0, 1, 1, 2])
    largest, n = np.nextafter(np.float32(1), np.float32(0)), np.arange(1, 5000, dtype=np.int32)
    np.testing.assert_array_equal(choice(tf.fill(n.shape, largest), tf.constant(n)), n - 1)


def test_freeways_ten_speeds_are_equally_likely():
    """The middles of ten equal intervals: −1 to −5, then 1 to 5."""
    uniforms = tf.constant([[0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75], [0.85, 0.95] * 4])
    speeds = make("freeway", 2).start(uniforms).speed
    np.testing.assert_array_equal(speeds, [[-1, -2, -3, -4, -5, 1, 2, 3], [4, 5] * 4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sticky_action_probability": 1.5}, r"sticky_action_probability is 1\.5.*in \[0, 1\]"),
        ({"sticky_action_probability": "often"}, "sticky_action_probability is 'often'.*a number"),
        ({"difficulty_ramping": 1}, "difficulty_ramping is 1.*true or false"),
        ({"max_episode_steps": 0}, "max_episode_steps is 0; it must be a whole number in"),
    ],
)
def test_bad_input_names_thing_value_choices_and_key(change, message):
    arguments = {"max_episode_steps": None, "sticky_action_probability": 0.1, "difficulty_ramping": True}
    with pytest.raises(ConfigError, match=message):
        Breakout(num_envs=1, **{**arguments, **change})


@pytest.mark.parametrize("name", GAMES)
def test_the_config_builds_the_game_with_minatars_defaults(name):
    environment = hydra.utils.instantiate(OmegaConf.load(CONFIGS / f"{name}.yaml"), num_envs=3)
    assert type(environment) is GAMES[name]
    assert (environment.num_envs, environment.max_episode_steps) == (3, None)
    original = Originals(name, 1, 0.1, True).environments[0]
    assert environment.sticky_action_probability == original.sticky_action_prob
    assert environment.difficulty_ramping is True
