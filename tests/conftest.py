"""What all tests share: one thread, as in training, and small builders of real parts."""

import contextlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from rl.runtime import prepare

prepare()

import pytest
import tensorflow as tf

for shared in ("agents", "environments", "scripts", "tensorboard"):
    sys.path.insert(0, str(ROOT / "tests" / shared))

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)

LONGEST_FIRST = (
    "test_readme.py",
    "test_train.py",
    "test_sweeps.py",
    "test_learner.py",
    "test_many.py",
    "test_browser.py",
    "test_other_scripts.py",
    "test_report_lived_in.py",
    "test_compiled_resume.py",
    "test_many_seeds.py",
    "test_learning.py",
    "test_evidence.py",
    "test_whole_iterations.py",
)
"""The files that take most of the time, a process each: were one of them the last, the other process would wait."""


def pytest_collection_modifyitems(items):
    """The longest files first, then the others as they stand."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@contextlib.contextmanager
def _hydra():
    import hydra

    from rl.commands.composition import CONFIGS
    from rl.commands.run_names import register_resolvers

    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield lambda *overrides: hydra.compose("train", overrides=list(overrides))


@pytest.fixture
def compose():
    """Composes the training config with overrides: compose("agent=a2c", "seed=3")."""
    with _hydra() as compose:
        yield compose


@pytest.fixture(scope="session")
def build():
    """Builds an experiment: build("agent=a2c")."""
    from rl.commands.composition import build

    def composed_and_built(*overrides):
        with _hydra() as compose:
            return build(compose(*overrides))

    return composed_and_built
