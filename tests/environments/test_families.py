"""Families are registered by the prefixes of their names; an unknown name raises an error that says what to do."""

import gymnasium
import pytest
import tensorflow as tf

from rl.environments import GymnasiumEnvironment
from rl.environments.families import FAMILIES, family_of
from rl.errors import ConfigError


def make(id, **more):
    return GymnasiumEnvironment(id=id, num_envs=1, vectorization="sync", autoreset="same_step", **more)


def test_a_family_is_registered_when_it_is_asked_for():
    environment = make("MinAtar/Breakout-v1")
    _, observation = environment.reset(tf.constant([3, 4]))
    assert observation.shape == (1, 10, 10, 4)


@pytest.mark.parametrize(
    ("id", "module"),
    [
        ("ALE/Breakout-v5", "ale_py"),
        ("MiniGrid-Empty-5x5-v0", "minigrid"),
        ("BabyAI-GoToRedBall-v0", "minigrid"),
        ("MinAtar/Seaquest-v0", "minatar.gym"),
        ("highway-fast-v0", "highway_env"),
        ("FetchReach-v4", "gymnasium_robotics"),
        ("CartPole-v1", None),
        ("Reacher-v5", None),
    ],
)
def test_the_family_of_a_name(id, module):
    family = family_of(id)
    assert (family.module if family else None) == module


def test_no_environment_of_gymnasiums_own_is_taken_for_a_familys():
    specs = gymnasium.registry.items()
    own = [name for name, spec in specs if str(spec.entry_point).startswith("gymnasium.envs")]
    assert own
    assert not [name for name in own if family_of(name)]


def test_what_is_not_installed_is_said_with_the_command():
    missing = next(family for family in FAMILIES if family.module == "shimmy")
    with pytest.raises(ConfigError, match=r"belongs to shimmy, which is not installed .*pip install 'shimmy\[dm-cont"):
        make(f"{missing.prefixes[0]}cheetah-run-v0")


def test_an_unknown_name_is_answered_with_the_form_for_ones_own():
    with pytest.raises(ConfigError, match=r"'Nothing-v3' is not known .*module:Name-v0 \(environment\.id\)"):
        make("Nothing-v3")


def test_what_was_not_set_is_not_passed_on():
    """`Bad-v0` has no argument `render_mode`; where it is asked for, the message says so."""
    import faulting.bad  # noqa: F401 (registers it)

    assert make("Bad-v0").observation_shape == (3,)
    with pytest.raises(ConfigError, match=r"unexpected keyword argument 'render_mode'"):
        make("Bad-v0", render_mode="rgb_array")
