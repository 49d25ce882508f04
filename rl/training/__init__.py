"""Rollouts, the loop, evaluation, checkpoints: what turns an agent and an environment into a run.

Names are imported when they are asked for: who only reads a run's files waits for no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rl.training.experiment import Experiment, build_experiment
    from rl.training.learner import Learner
    from rl.training.normalization import Normalizer
    from rl.training.programs import Programs
    from rl.training.record import Description
    from rl.training.run import Run, make_evaluator
    from rl.training.run_directory import RunDirectory
    from rl.training.run_settings import ProbeSettings, RootSettings, RunSettings

_HOMES = {
    "Description": "record",
    "Experiment": "experiment",
    "Learner": "learner",
    "Normalizer": "normalization",
    "Programs": "programs",
    "Run": "run",
    "RunDirectory": "run_directory",
    "ProbeSettings": "run_settings",
    "RootSettings": "run_settings",
    "RunSettings": "run_settings",
    "build_experiment": "experiment",
    "make_evaluator": "run",
}

__all__ = [
    "Description",
    "Experiment",
    "Learner",
    "Normalizer",
    "ProbeSettings",
    "Programs",
    "RootSettings",
    "Run",
    "RunDirectory",
    "RunSettings",
    "build_experiment",
    "make_evaluator",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
