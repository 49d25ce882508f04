"""Rollouts, the loop, evaluation, checkpoints: what turns an agent and an environment into a run."""

from rl.training.experiment import Experiment, build_experiment
from rl.training.learner import Learner
from rl.training.normalization import Normalizer
from rl.training.programs import Programs
from rl.training.record import Description
from rl.training.run import Run, make_evaluator
from rl.training.run_directory import RunDirectory
from rl.training.run_settings import ProbeSettings, RootSettings, RunSettings

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
