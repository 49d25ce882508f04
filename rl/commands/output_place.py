"""Checks that a run directory can be created where the config puts it, before Hydra creates it."""

import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException


class CheckPlace(Callback):
    """A Hydra callback that ends the process with one message and exit code 2 instead of Hydra's traceback.

    Hydra calls it before it creates the directory, so that a refused command leaves nothing behind.
    """

    def on_run_start(self, config: DictConfig, **_) -> None:
        """Checks `hydra.run.dir`, the directory of a single run, or of the seeds of one program."""
        _refuse(config, "hydra.sweep.dir", "places the jobs of a sweep, and this is none (no -m): set hydra.run.dir")
        _check(config.hydra.run)

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        """Checks `hydra.sweep.dir`, the directory above all jobs of a sweep."""
        _refuse(config, "hydra.run.dir", "places a single run, and this is a sweep (-m): set hydra.sweep.dir")
        _check(config.hydra.sweep)


def _refuse(config: DictConfig, key: str, what: str) -> None:
    """Ends the process if the command line sets a key that nothing would read."""
    if any(override.lstrip("+").startswith(f"{key}=") for override in config.hydra.overrides.hydra):
        print(f"error: {key} {what}.", file=sys.stderr)
        sys.exit(2)


def _check(place: DictConfig) -> None:
    """Ends the process where `place.dir` cannot be a folder of runs; see `rl.runs.place.check_place`."""
    from rl.errors import ConfigError
    from rl.runs.place import check_place

    try:
        check_place(Path(place.dir).absolute())
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OmegaConfBaseException:
        pass  # the job itself reports what cannot be resolved
