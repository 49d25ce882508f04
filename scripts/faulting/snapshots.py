"""The states that a kill before each file operation would leave: copies of the folder, taken before the operations.

A killed process leaves the files as the operating system has them, and nothing of its own memory. A copy of the folder
that is taken while the process works is therefore the state that a kill would leave, and one run gives the states of
all its kills.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from faulting.operations import Operation, watched


@contextlib.contextmanager
def snapshots(folder: Path, into: Path) -> Iterator[list[tuple[Operation, Path]]]:
    """Copies the folder before every operation at which it has changed; yields the growing list of (operation, copy).

    Args:
        into: an empty or new folder for the copies 000, 001, …
    """
    taken: list[tuple[Operation, Path]] = []
    last: list = [None]

    def before(operation: Operation) -> None:
        state = _state(folder)
        if state != last[0]:
            last[0] = state
            copy = into / f"{len(taken):03d}"
            shutil.copytree(folder, copy, symlinks=True) if folder.exists() else copy.mkdir(parents=True)
            taken.append((operation, copy))

    with watched(folder, before):
        yield taken


def distinct(taken: list[tuple[Operation, Path]]) -> list[tuple[Operation, Path]]:
    """The first and the last state before operations of each label, in order."""
    places: dict[str, list[int]] = {}
    for place, (operation, _) in enumerate(taken):
        places.setdefault(operation.label, []).append(place)
    return [taken[place] for place in sorted({place for found in places.values() for place in (found[0], found[-1])})]


def _state(folder: Path) -> list[str]:
    """Paths, inodes, sizes and times of everything in the folder, to compare two states."""
    found = []
    for file in folder.rglob("*"):
        status = file.lstat()
        found.append(f"{file} {status.st_ino} {'' if file.is_dir() else (status.st_size, status.st_mtime_ns)}")
    return sorted(found)
