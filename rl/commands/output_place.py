"""Whether the run directory can be where it is asked for, before Hydra makes it."""

import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException


class CheckPlace(Callback):
    """A Hydra callback: one sentence and exit code 2 where Hydra would end in a traceback."""

    def on_run_start(self, config: DictConfig, **_) -> None:
        """Looks at `hydra.run.dir`."""
        _check(config.hydra.run)

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        """Looks at `hydra.sweep.dir`."""
        _check(config.hydra.sweep)


def _check(place: DictConfig) -> None:
    from rl.errors import ConfigError
    from rl.runs.place import check_place

    try:
        check_place(Path(place.dir).absolute())
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OmegaConfBaseException:
        pass  # the job itself says what cannot be resolved
