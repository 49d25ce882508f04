"""Builds experiments from composed configs, and keeps compiled ones for later jobs of this process."""

from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rl.commands import threads
from rl.commands.choices import register_resolvers
from rl.commands.run_names import what_tells_apart
from rl.runtime import prepare

prepare()  # the processes of a launcher import this module first

_MOST_KEPT = 4  # experiments whose compiled programs are kept in memory
register_resolvers()
threads.register_resolver()


def build(config: DictConfig, *, trusted: Sequence[str] | None = None):
    """Builds the experiment that a composed config describes.

    Args:
        trusted: the packages, besides this one, whose code the config may name; None trusts every package.
    Raises: ConfigError, with one sentence that names the key, for whatever cannot be used.
    """
    from rl.commands.parts import parts_of
    from rl.runs.experiment import build_experiment

    parts = parts_of(config, trusted=trusted)
    return build_experiment(
        **parts.made,
        num_envs=parts.root.num_envs,
        steps=parts.root.steps,
        seed=parts.root.seed,
        num_runs=parts.root.seeds,
    )


def program_of(config: DictConfig, experiment: Any) -> str:
    """A key of the compiled programs: all settings that change weights, except numbers that are inputs of them."""
    numbers = experiment.learner.hyperparameters
    rest = {
        key: value
        for key, value in what_tells_apart(config).items()
        if key not in numbers and f"agent.{key}" not in numbers
    }
    observed = {key: OmegaConf.to_container(config[key], resolve=True) for key in ("probe", "evaluation")}
    return repr((rest, sorted(numbers), observed, config.seeds))


_experiments: dict[str, Any] = {}


def built(config: DictConfig):
    """Builds the experiment of a config, reusing the compiled programs of an earlier one of this process if they fit.

    They fit if the two differ only in the seed and in numbers that the programs take as inputs, as in a sweep over
    learning rates. Only experiments in compiled environments are reused (`keep`), since the state of other environments
    cannot be reset.

    Raises: ConfigError as `build` does.
    """
    experiment = build(config)
    before = _experiments.get(program_of(config, experiment))
    return experiment if before is None else experiment.started_in(before)


def keep(config: DictConfig, experiment: Any) -> None:
    """Keeps the experiment of a finished run, so that `built` can reuse its programs; the newest four are kept.

    config: the one that it was built from. Experiments outside of compiled environments are not kept.
    """
    if not experiment.learner.environment.compiled:
        return
    _experiments[program_of(config, experiment)] = experiment
    while len(_experiments) > _MOST_KEPT:
        del _experiments[next(iter(_experiments))]


def is_multirun() -> bool:
    """Whether this job is one of a sweep."""
    return HydraConfig.get().mode == hydra.types.RunMode.MULTIRUN
