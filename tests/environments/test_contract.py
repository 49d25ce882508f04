"""The contract check names a compiled environment's mistakes before it is traced, and passes correct ones."""

import pytest
from faulting import bad_compiled

from rl.environments.compiled import Acrobot, CartPole, MountainCarContinuous
from rl.environments.compiled.contract import check_contract
from rl.environments.compiled.minatar import SpaceInvaders
from rl.errors import ConfigError


@pytest.mark.parametrize("fault", bad_compiled.CONTRACT)
def test_class_and_field_are_named(fault):
    with pytest.raises(ConfigError, match=bad_compiled.CONTRACT[fault]):
        check_contract(bad_compiled.Bad(num_envs=2, fault=fault))


@pytest.mark.parametrize(
    "environment",
    [
        bad_compiled.Bad(num_envs=2),
        CartPole(num_envs=3, max_episode_steps=500),
        Acrobot(num_envs=1, max_episode_steps=None),
        MountainCarContinuous(num_envs=2, max_episode_steps=999),
        SpaceInvaders(num_envs=2, max_episode_steps=None, sticky_action_probability=0.1, difficulty_ramping=True),
    ],
    ids=lambda environment: environment.name,
)
def test_sound_ones_pass(environment):
    check_contract(environment)
