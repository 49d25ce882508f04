"""What a kill at each file operation would leave: a copy of the folder as it is on the disk just before it.

A process that is killed leaves what the operating system has, and nothing of what is in its own memory; so a copy of
the folder, taken while the process is in the middle of its work, is what the kill would have left. One run gives the
states of all its kills.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from faulting.operations import Operation, watched


@contextlib.contextmanager
def snapshots(folder: Path, into: Path) -> Iterator[list[tuple[Operation, Path]]]:
    """Copies the folder before every operation that finds it changed since the one before; yields the list that grows.

    Args:
        into: an empty folder, or a new one, for the copies: 000, 001, …
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
    """The first and the last state before each kind of operation, in order."""
    places: dict[str, list[int]] = {}
    for place, (operation, _) in enumerate(taken):
        places.setdefault(operation.label, []).append(place)
    return [taken[place] for place in sorted({place for found in places.values() for place in (found[0], found[-1])})]


def _state(folder: Path) -> list:
    found = []
    for file in folder.rglob("*"):
        status = file.lstat()
        found.append(f"{file} {status.st_ino} {'' if file.is_dir() else (status.st_size, status.st_mtime_ns)}")
    return sorted(found)
