"""Loads the configs of run directories, and restores experiments from their checkpoints."""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rl.commands.composition import build
from rl.commands.run_names import flat
from rl.config_files import CONFIGS
from rl.runs.layout import BEST, CHECKPOINTS, CHOICES, CONFIG, OVERRIDES

_MOVED = {"rl.training.Normalizer": "rl.learning.Normalizer"}
"""{`_target_` in configs of earlier versions: its current name}."""


def load_config(run: Path) -> DictConfig:
    """The config that a run directory was trained with, updated to this version.

    Renamed targets are replaced, and keys that the run's version did not have get their defaults.

    Raises: ConfigError where there is none, or it cannot be read; DamagedError where it cannot be parsed.
    """
    from rl.errors import ConfigError, DamagedError, require

    file = run / CONFIG
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
    """Adds the defaults of keys that configs/ did not have yet when the run was made; returns the config.

    The defaults are those of the options that the run chose, without the keys that its overrides removed.
    """
    try:
        choices = OmegaConf.load(run / CHOICES).choices
        overrides = OmegaConf.to_container(OmegaConf.load(run / OVERRIDES), resolve=False)
        deleted = [given for given in overrides if given.startswith("~")]
        chosen = [f"{group}={choice}" for group, choice in choices.items() if choice and not group.startswith("hydra/")]
        with _hydra():
            usual = flat(hydra.compose("train", overrides=[*chosen, *deleted]))
    except (OSError, ValueError, AttributeError, YAMLError, OmegaConfBaseException, hydra.errors.HydraException):
        return config  # made by other means, or from options that are gone: what is missing is reported later
    own = flat(config)
    for key, value in usual.items():
        if key.startswith("logger.") and "logger" in config:
            continue  # a choice of any number: those that the run did not choose are no later keys
        if not any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in own):
            OmegaConf.update(config, key, value, force_add=True)
    return config


def composed(overrides: Sequence[str]) -> DictConfig:
    """The training config that overrides compose. Raises: ConfigError where they compose none."""
    from rl.errors import ConfigError

    try:
        with _hydra():
            return hydra.compose("train", overrides=list(overrides))
    except (hydra.errors.HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{' '.join(overrides)} compose no config: {str(error).splitlines()[0]}") from None


def _hydra() -> contextlib.AbstractContextManager:
    """A context in which configs can be composed, whether or not Hydra is initialised already."""
    if GlobalHydra.instance().is_initialized():
        return contextlib.nullcontext()
    return hydra.initialize_config_dir(str(CONFIGS), version_base="1.3")


def load_run(run: Path, checkpoint: str, *, trusted: Sequence[str] = ()):
    """Builds the experiment of a run directory, and restores one of its checkpoints.

    Args:
        run: the run directory.
        checkpoint: `newest`, `best`, or a file.
        trusted: the packages, besides this one, whose code the run's config may name.
    Returns: the experiment and its config.
    Raises: ConfigError where config or checkpoint are missing, cannot be used, or do not fit; DamagedError.
    """
    from rl.errors import require
    from rl.runs.beginning import restore_all
    from rl.runs.checkpoints import CheckpointFolder, read_checkpoint
    from rl.runs.reader import RecordedRun

    config = load_config(run)
    experiment = build(config, trusted=trusted)
    files = RecordedRun(run).checkpoints()
    require(checkpoint != "newest" or bool(files), f"{run} holds no checkpoint yet.")
    named = {"newest": files[max(files)] if files else None, "best": run / CHECKPOINTS / BEST}
    file = named.get(checkpoint, Path(checkpoint))
    newest = CheckpointFolder(run / CHECKPOINTS, keep=1)
    found = newest.read(max(files)) if checkpoint == "newest" else read_checkpoint(file)
    restore_all(experiment, [found], source=str(file), say=lambda _: None)
    if checkpoint == "newest":
        _tell_if_older(run, found.meta["steps"])
    return experiment, config


def _tell_if_older(run: Path, steps: int) -> None:
    """Prints a note where the newest checkpoint is of an earlier step than the one that the run reached and saved."""
    from rl.runs.directory import RunDirectory

    summary = RunDirectory(run).summary()
    if summary and summary["status"] in ("completed", "interrupted") and summary["steps"] > steps:
        print(
            f"{run} came to step {summary['steps']:,}, but its newest checkpoint is of step {steps:,}: a later one is "
            "missing.",
            file=sys.stderr,
        )
