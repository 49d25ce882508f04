"""What every run tells TensorBoard's HParams tab of itself."""

import hydra
import pytest
from omegaconf import OmegaConf

from rl.commands.hyperparameters import hyperparameters
from rl.config_files import CONFIGS


@pytest.fixture(scope="module")
def told():
    """What a run with some overrides tells."""
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):

        def of(*overrides):
            root = hydra.compose("train", overrides=list(overrides), return_hydra_config=True)
            config = OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])
            return hyperparameters(config, root.hydra.runtime.choices)

        yield of


def test_every_value_of_the_config_is_there(told):
    found = told("combiner=cagrad", "optimizer.learning_rate=1e-3", "seed=3")
    assert found["combiner"] == "cagrad"
    assert found["combiner.c"] == 0.4
    assert found["optimizer.learning_rate"] == 1e-3
    assert found["seed"] == 3.0
    assert found["network.torso.widths"] == "[64, 64]"
    assert found["agent/bootstrap"] == "semi_gradient"
    assert not {"combiner._target_", "fresh", "seeds", "logging.progress"} & set(found)


CHANGES = (
    ("optimizer.clip_norm=null",),
    ("agent.target_kl=0.01", "optimizer.head_learning_rate=1e-3"),
    ("environment=compiled/cartpole",),
    ("environment=compiled/tabular/chain", "environment.max_episode_steps=null"),
    ("environment=gymnasium", "environment.id=x", "+environment.kwargs.text=''", "environment.autoreset=next_step"),
    ("agent=a2c", "agent/bootstrap=tdc", "frozen=target_polyak"),
    ("optimizer=rmsprop", "combiner=sum", "combiner.row_weights={actor: 1, critic: 2}"),
    ("checkpoint.load=runs/x", "probe=none", "network.torso.widths=[32]"),
    ("experiment=minatar",),
)


def test_a_key_has_one_type_in_all_runs_and_is_never_empty(told):
    types = {}
    for change in ((), *CHANGES):
        for key, value in told(*change).items():
            assert value != "", key
            assert types.setdefault(key, type(value)) is type(value), (key, value, change)
    assert types["optimizer.clip_norm"] is str
    assert types["optimizer.learning_rate"] is float
    assert types["network.shared"] is bool
