"""From a composed config to objects. With `run_names` and `parts` the one place that knows Hydra."""

import contextlib
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rl.commands import threads
from rl.commands.run_names import flat, what_tells_apart
from rl.config_files import CONFIGS
from rl.runtime import prepare

prepare()  # a process of a launcher elsewhere begins with this module

_MOST_KEPT = 4
_MOVED = {"rl.training.Normalizer": "rl.learning.Normalizer"}
"""{what configs of earlier versions name as a `_target_`: where it is now}."""


def register_resolvers() -> None:
    """`choices`, the help text's list of what each group offers."""
    OmegaConf.register_new_resolver("choices", lambda: "\n".join(_choices_offered()), replace=True)


register_resolvers()
threads.register_resolver()


def build(config: DictConfig, *, trusted: Sequence[str] | None = None):
    """The experiment that a composed config describes.

    Args:
        trusted: the packages, besides this one, whose code the config may name; None trusts it wholly.
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


_experiments: dict[str, Any] = {}


def built(config: DictConfig):
    """The experiment of a config.

    Where only the seed and numbers that are inputs of the programs tell it from one that this process has trained, as
    in a sweep over learning rates, it begins in that one's variables: nothing is compiled again. Environments outside
    of the program have a state that cannot be restarted.
    """
    experiment = build(config)
    before = _experiments.get(_program(config, experiment))
    return experiment if before is None else experiment.started_in(before)


def keep(config: DictConfig, experiment: Any) -> None:
    """An experiment whose run has come to its end, for the next one that its programs can train."""
    if not experiment.learner.environment.compiled:
        return
    _experiments[_program(config, experiment)] = experiment
    while len(_experiments) > _MOST_KEPT:
        del _experiments[next(iter(_experiments))]


def _program(config: DictConfig, experiment: Any) -> str:
    """What the compiled programs depend on: all that tells runs apart but the numbers that they take as inputs."""
    numbers = experiment.learner.hyperparameters
    rest = {key: value for key, value in what_tells_apart(config).items() if key not in numbers}
    observed = {key: OmegaConf.to_container(config[key], resolve=True) for key in ("probe", "evaluation")}
    return repr((rest, sorted(numbers), observed, config.seeds))


def load_config(run: Path) -> DictConfig:
    """The config that a run directory was trained with; ConfigError where there is none, or it is damaged."""
    from rl.errors import ConfigError, DamagedError, require

    file = run / ".hydra" / "config.yaml"
    try:
        config = OmegaConf.load(file)
        OmegaConf.to_container(config, resolve=True)
    except FileNotFoundError:
        raise ConfigError(f"{run} is not a run directory: it has no .hydra/config.yaml.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (YAMLError, OmegaConfBaseException, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise DamagedError(
            f"{file} is damaged, so that nothing says what this run is ({why}); put a copy of it back, or start over "
            "(fresh=true)."
        ) from None
    require(isinstance(config, DictConfig), f"{file} is not a run's config: it holds no keys.")
    for key, target in flat(config).items():
        if key.endswith("_target_") and isinstance(target, str) and target in _MOVED:
            OmegaConf.update(config, key, _MOVED[target])
    return _with_later_keys(config, run)


def _with_later_keys(config: DictConfig, run: Path) -> DictConfig:
    """The config with the defaults of keys that it lacks, since configs/ did not have them when the run was made."""
    try:
        choices = OmegaConf.load(run / ".hydra" / "hydra.yaml").choices
        deleted = [given for given in OmegaConf.load(run / ".hydra" / "overrides.yaml") if given.startswith("~")]
        chosen = [f"{group}={choice}" for group, choice in choices.items() if choice and not group.startswith("hydra/")]
        with _hydra():
            usual = flat(hydra.compose("train", overrides=[*chosen, *deleted]))
    except (OSError, ValueError, AttributeError, YAMLError, OmegaConfBaseException, hydra.errors.HydraException):
        return config  # made by other means, or from choices that are gone: whatever lacks is named later
    own = flat(config)
    for key, value in usual.items():
        if not any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in own):
            OmegaConf.update(config, key, value, force_add=True)
    return config


def _hydra() -> contextlib.AbstractContextManager:
    """Within it configs can be composed, also where Hydra has not begun yet."""
    if GlobalHydra.instance().is_initialized():
        return contextlib.nullcontext()
    return hydra.initialize_config_dir(str(CONFIGS), version_base="1.3")


def load_run(run: Path, checkpoint: str, *, trusted: Sequence[str] = ()):
    """The experiment of a run directory with the numbers of one of its checkpoints, and its config.

    Args:
        checkpoint: `newest`, `best`, or a file.
        trusted: the packages, besides this one, whose code the run's config may name.
    """
    from rl.errors import require
    from rl.learning.state import named_variables
    from rl.runs.checkpoints import CheckpointFolder, read_checkpoint, restore

    config = load_config(run)
    experiment = build(config, trusted=trusted)
    folder = CheckpointFolder(run / "checkpoints", keep=1)
    newest = [*folder.files()][-1:]
    file = {"newest": newest[0] if newest else None, "best": folder.path / "best.npz"}.get(checkpoint, Path(checkpoint))
    require(file is not None, f"{run} holds no checkpoint yet.")
    found = read_checkpoint(file)
    restore(named_variables(experiment.variables), found.arrays, source=str(file))
    if checkpoint == "newest":
        _tell_if_older(run, found.meta["steps"])
    return experiment, config


def _tell_if_older(run: Path, steps: int) -> None:
    """A note where the newest checkpoint is of an earlier step than the run came to, and saved."""
    from rl.runs.directory import RunDirectory

    summary = RunDirectory(run).summary()
    if summary and summary["status"] in ("completed", "interrupted") and summary["steps"] > steps:
        print(
            f"{run} came to step {summary['steps']:,}, but its newest checkpoint is of step {steps:,}: a later one is "
            "missing.",
            file=sys.stderr,
        )


def is_multirun() -> bool:
    """Whether this job is one of a sweep."""
    return HydraConfig.get().mode == hydra.types.RunMode.MULTIRUN


@functools.cache
def choices_of(group: str) -> tuple[str, ...]:
    """The choices that a group of configs/ offers; `agent` has a group `agent/bootstrap` of its own."""
    folder, inner = CONFIGS / group, set(_groups())
    if not folder.is_dir():
        return ()
    files = (file.relative_to(folder).with_suffix("") for file in sorted(folder.rglob("*.yaml")))
    return tuple(
        file.as_posix()
        for file in files
        if not file.name.startswith("_") and (file.parent == Path() or f"{group}/{file.parent.as_posix()}" not in inner)
    )


@functools.cache
def _groups() -> tuple[str, ...]:
    """The groups that a config chooses from, by their defaults lists; elsewhere a folder is part of a choice's name."""
    files = (CONFIGS / "train.yaml", *CONFIGS.rglob("_*.yaml"))
    found = []
    for file in files:
        within = file.parent.relative_to(CONFIGS).as_posix()
        for entry in OmegaConf.load(file).get("defaults", []):
            if not isinstance(entry, str):
                name = str(next(iter(entry))).removeprefix("override ")
                found.append(name if within == "." else f"{within}/{name}")
    return tuple(name for name in dict.fromkeys(found) if not name.startswith("hydra/"))


def _choices_offered() -> list[str]:
    return [f"{group}: {', '.join(choices_of(group))}" for group in _groups()]
