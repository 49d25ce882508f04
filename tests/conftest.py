"""What all tests share: one thread as in training, compiled programs, their order, the marker `check`, builders."""

import contextlib
import gc
import sys
from pathlib import Path

# Imports and tracing make many objects: to look for unused ones took a tenth of the time.
gc.set_threshold(50_000, 10, 10)

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from rl import compilation_cache
from rl.runtime import prepare, use_compilation_cache

prepare()
use_compilation_cache("auto", threads=1)  # what several tests compile is compiled once, and not again the next time

import pytest
import tensorflow as tf

for shared in ("agents", "environments", "scripts", "tensorboard", "updates"):
    sys.path.insert(0, str(ROOT / "tests" / shared))

gc.freeze()  # what is imported stays: it is not looked through for what is unused
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)

LONGEST_FIRST = (
    "test_readme.py",
    "test_train.py",
    "test_sweeps.py",
    "test_fault_campaign.py",
    "test_extending.py",
    "test_compilation_cache.py",
    "test_combiner_goldens.py",
    "test_combiner_properties.py",
    "test_training.py",
    "test_configs.py",
    "test_tab_logging.py",
    "test_learner.py",
    "test_many.py",
    "test_phases.py",
    "test_acting.py",
    "test_call_chain.py",
    "test_ppg.py",
    "test_auxiliary.py",
    "test_impala.py",
    "test_alternating.py",
    "test_sac.py",
    "test_mpo.py",
    "test_encoders.py",
    "test_exploration.py",
    "test_browser.py",
    "test_other_scripts.py",
    "test_report_lived_in.py",
    "test_compiled_resume.py",
    "test_many_seeds.py",
    "test_learning.py",
    "test_evidence.py",
    "test_whole_iterations.py",
)
"""The files that take longest, in this order; as the last file one of them would keep a single process busy."""

CHECKED = (
    "agents",
    "distributions",
    "environments",
    "estimators",
    "frozen",
    "gradients",
    "learning",
    "library",
    "networks",
    "runs",
    "sources",
    "tensorboard",
    "updates",
)
"""Folders in tests/ that `make check` runs, beside the files in tests/ itself; the others compile whole programs."""
NOT_CHECKED = (
    "test_readme.py",
    "test_inputs.py",
    "test_minatar.py",
    "test_learner.py",
    "test_many.py",
    "test_phases.py",
    "test_acting.py",
    "test_call_chain.py",
    "test_ppg.py",
    "test_auxiliary.py",
    "test_bootstrap.py",
    "test_impala.py",
    "test_alternating.py",
    "test_encoders.py",
    "test_exploration.py",
    "test_mpo.py",
    "test_prioritized.py",
    "test_remembering.py",
    "test_sac.py",
    "test_sac_discrete.py",
    "test_td3.py",
    "test_learning.py",
    "test_keras_fit.py",
    "test_rows_callback.py",
    "test_training.py",
    "test_loading.py",
    "test_log_repair.py",
    "test_evaluation.py",
    "test_whole_iterations.py",
    "test_browser.py",
    "test_hparams.py",
    "test_tab_http.py",
    "test_tab_logging.py",
)
"""Files in them that train, compile whole programs, start processes, or play long games; `make test` runs them."""
NOT_CHECKED_WITH = {"address", "chromium"}
"""Fixtures of tests that need a TensorBoard or a browser."""


def pytest_configure(config):
    """Declares the marker of the tests that `make check` runs."""
    config.addinivalue_line("markers", "check: numeric, without training and without a browser: make check runs it")


def pytest_sessionfinish():
    """Keeps the compiled programs, since pytest's processes may end without their exit handlers."""
    compilation_cache.keep()


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items):
    """Marks the tests of `make check`, and puts the files that take longest first."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    for item in items:
        if _is_checked(item):
            item.add_marker(pytest.mark.check)


def _is_checked(item) -> bool:
    place = item.path.relative_to(ROOT / "tests")
    within = len(place.parts) == 1 or any(place.is_relative_to(one) for one in CHECKED)
    return within and place.name not in NOT_CHECKED and not NOT_CHECKED_WITH & set(item.fixturenames)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@contextlib.contextmanager
def _hydra():
    import hydra

    from rl.commands.run_names import register_resolvers
    from rl.config_files import CONFIGS

    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield lambda *overrides: hydra.compose("train", overrides=list(overrides))


@pytest.fixture
def compose():
    """Composes the training config with overrides: compose("agent=a2c", "seed=3")."""
    with _hydra() as compose:
        yield compose


@contextlib.contextmanager
def _lending(compiled):
    """Yields a function that builds experiments, and at the end adds those with compiled programs to `compiled`."""
    from rl.commands.composition import build, program_of

    lent = []

    def composed_and_built(*overrides):
        with _hydra() as compose:
            config = compose(*overrides)
        experiment = build(config)
        if experiment.learner.environment.compiled:
            key = program_of(config, experiment)
            if compiled.get(key):
                experiment = experiment.started_in(compiled[key].pop())
            lent.append((key, experiment))
        return experiment

    yield composed_and_built
    for key, experiment in lent:
        if experiment._compiled:
            compiled.setdefault(key, []).append(experiment)


@pytest.fixture(scope="module")
def compiled_before():
    """{program: experiments of earlier tests of the file, whose variables no test uses any more}."""
    return {}


@pytest.fixture
def build(request, compiled_before):
    """Builds an experiment: build("agent=a2c").

    In compiled environments it goes on with the compiled programs of an earlier test of the same file if they fit, from
    an initial state of its own, as the runs of a sweep do. A test that patches code gets, and leaves, none.
    """
    with _lending({} if "monkeypatch" in request.fixturenames else compiled_before) as build:
        yield build


@pytest.fixture(scope="module")
def lending(compiled_before):
    """Yields `build` until the end of a with statement, for fixtures that several tests use.

    What is built within it may be trained on by the tests that follow: only what was read from it stays as it was.
    """
    return lambda: _lending(compiled_before)


@pytest.fixture(scope="module")
def build_apart():
    """As `build`, with programs of its own: for experiments that several tests use."""
    with _lending({}) as build:
        yield build
