"""What all tests share: one thread, as in training, and small builders of real parts."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from runtime import prepare

prepare()

import pytest
import tensorflow as tf

sys.path.insert(0, str(ROOT / "tests" / "environments"))
sys.path.insert(0, str(ROOT / "tests" / "tensorboard"))

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def compose():
    """Composes the training config with overrides: compose("agent=a2c", "seed=3")."""
    import hydra
    from composition import CONFIGS, register_resolvers

    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield lambda *overrides: hydra.compose("train", overrides=list(overrides))


@pytest.fixture
def build(compose):
    """Builds an experiment: build("agent=a2c")."""
    from composition import build

    return lambda *overrides: build(compose(*overrides))
