"""The settings that a run was trained with, from the `.hydra/` of its directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.commands.run_names import changes_weights, flat
from rl.errors import ConfigError, DamagedError, require
from rl.runs.layout import CHANGES, CHOICES, CONFIG


class Recorded(NamedTuple):
    """A run's settings.

    settings: {dotted key: value} of `seed` and of every key that can change the weights, interpolations resolved;
    choices: {config group: chosen option}, Hydra's own groups left out.
    """

    settings: dict[str, Any]
    choices: dict[str, str]


def recorded(run: Path) -> Recorded:
    """The settings that a run directory records in `.hydra/config.yaml` and `.hydra/hydra.yaml`.

    Unlike `rl.commands.restoring.load_config` it adds no keys that the run's version did not have.

    Raises: ConfigError where a file is missing or cannot be read; DamagedError where it is not what a run writes.
    """
    config = _read(run / CONFIG, flat)
    choices = _read(run / CHOICES, lambda node: dict(node.get("choices") or {}))
    require(isinstance(config.get("seed"), int), f"{run / CONFIG} is not a run's config: it has no seed.")
    require("environment" in choices, f"{run / CHOICES} does not say which environment was chosen.")
    settings = {key: value for key, value in config.items() if key == "seed" or changes_weights(key)}
    if changes := _changes(run):
        settings["combiner.changed"] = changes
    chosen = {group: str(choice) for group, choice in choices.items() if choice is not None}
    return Recorded(settings, {group: choice for group, choice in chosen.items() if not group.startswith("hydra/")})


def _changes(run: Path) -> str:
    """The combiners that a run in Python went on with, `upgrad from step 2,048`; empty where none was changed."""
    if not (run / CHANGES).exists():
        return ""
    try:
        changes = yaml.safe_load((run / CHANGES).read_text(encoding="utf-8"))
        return ", ".join(f"{change['combiner']} from step {change['step']:,}" for change in changes)
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError):
        raise DamagedError(f"{run / CHANGES} is damaged: it is no list of combiners with their steps.") from None


def _read(file: Path, part: Callable[[DictConfig], dict[str, Any]]) -> dict[str, Any]:
    """A part of a YAML file.

    part: the loaded file → the part; only its own interpolations have to be resolvable, not all those that Hydra writes
    into hydra.yaml. Raises: ConfigError, DamagedError as in `recorded`.
    """
    try:
        config = OmegaConf.load(file)
        if isinstance(config, DictConfig):
            return part(config)
        why = "it holds no keys"
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, TypeError) as error:
        why = " ".join(str(error).split())[:200]
    raise DamagedError(f"{file} is damaged: {why}.")
