"""What a command chose, as run directories record it."""

from pathlib import Path
from typing import NamedTuple

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rl.commands.hyperparameters import hyperparameters
from rl.commands.restoring import load_config
from rl.runs.description import Description
from rl.runs.layout import CHOICES, CONFIG, OVERRIDES


class Invocation(NamedTuple):
    """What a command chose, as a run directory records it.

    choices: {config group: option}. overrides: of the command line, or of the recorded run with those that an extension
    changes. extends: whether complete runs are extended.
    """

    choices: dict[str, str | None]
    overrides: list[str]
    extends: bool = False


def invocation() -> Invocation:
    """The choices and overrides of this job, as Hydra composed it."""
    job = HydraConfig.get()
    return Invocation(dict(job.runtime.choices), list(job.overrides.task))


def description(config: DictConfig, path: Path, made: Invocation, *, fresh: bool) -> Description:
    """The description of one run.

    Args:
        config: of the run, as in a solo run (`seeds` is 1).
        path: its directory, which may hold an earlier part of it.
        made: the choices and overrides.
        fresh: whether an earlier run in the directory is replaced.
    """
    text = OmegaConf.to_yaml(config, resolve=True)
    files = {
        CONFIG: text,
        OVERRIDES: OmegaConf.to_yaml(OmegaConf.create(made.overrides)),
        CHOICES: OmegaConf.to_yaml(OmegaConf.create({"choices": made.choices})),
    }
    asked = [config.steps] if fresh else lengths(path, config.steps)
    return Description(config.seed, text, hyperparameters(config, made.choices), files, asked)


def lengths(path: Path, steps: int) -> list[int]:
    """The environment steps asked for in a run directory: at its start, by earlier extensions, and now `steps`."""
    from rl.runs.directory import RunDirectory

    earlier = (RunDirectory(path).summary() or {}).get("lengths")
    if not earlier:
        earlier = [load_config(path).steps] if (path / CONFIG).is_file() else [steps]
    return [*earlier] if earlier[-1] == steps else [*earlier, steps]
