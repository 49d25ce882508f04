"""Checks whether a run directory can be created at a path."""

import os
import stat
from pathlib import Path

from rl.errors import ConfigError
from rl.ownership import marker


def check_place(path: Path) -> None:
    """Raises ConfigError, with the reason in one sentence, where no run directory can be created at a path.

    Refused are a path inside another run's directory, a dangling link, a file in the way, and a folder that cannot be
    written. Folders that do not exist yet are tolerated.

    path: of the run directory; a relative one starts at the working directory.
    """
    for place in path.absolute().parents:
        if marker(place, "run") is not None:
            raise _refused(path, f"it would lie inside the run in {place}")
    for place in (path, *path.parents):
        try:
            kind = place.stat().st_mode
        except FileNotFoundError:
            if place.is_symlink():
                raise _refused(
                    path, f"{_named(place, path)} is a link to {place.readlink()}, which is not there"
                ) from None
            continue
        except NotADirectoryError:
            continue  # the file among the parents is found next
        except OSError as error:
            raise _refused(path, error.strerror.lower()) from None
        if not stat.S_ISDIR(kind):
            raise _refused(path, f"{_named(place, path)} is not a folder")
        if not os.access(place, os.W_OK | os.X_OK):
            raise _refused(path, f"{_named(place, path)} cannot be written")
        return


def _named(place: Path, path: Path) -> str:
    """The subject of a sentence on `place`: `it` where that is the path itself."""
    return "it" if place == path else str(place)


def _refused(path: Path, why: str) -> ConfigError:
    """The error for a path, of which at most 200 characters are shown."""
    shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}…"
    return ConfigError(f"no run directory can be at {shown}: {why}; choose another (hydra.run.dir).")
