"""Watches the file operations of this process that change the contents of a folder.

Python announces most operations to audit hooks (PEP 578) before they happen; `os.fsync` and TensorFlow's event files
are wrapped. An exception of the callback is raised in place of the operation.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch


class Operation(NamedTuple):
    """A file operation.

    Args:
        kind: open, rename, remove, mkdir, rmdir, fsync, create or flush.
        path: relative to the watched folder.
    """

    kind: str
    path: str

    @property
    def label(self) -> str:
        """The operation without the numbers in its path: equal for operations of one kind on files of one kind."""
        return f"{self.kind} {re.sub(r'[0-9.]{6,}[^/]*', '…', self.path)}"


Callback = Callable[[Operation], None]
_AUDITED = {"open": 0, "os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0}
"""{event: index of the path among its arguments}; os.rename has two, and the new one counts."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_watchers: list[Callable[[str, str], None]] = []


@contextlib.contextmanager
def watched(folder: Path, before: Callback) -> Iterator[None]:
    """Calls `before` ahead of every operation in the folder or below; its own operations are not watched."""
    folder, busy = folder.resolve(), []

    def watch(kind: str, path: str) -> None:
        place = Path(path).parent.resolve() / Path(path).name
        if busy or not place.is_relative_to(folder):
            return
        busy.append(True)
        try:
            before(Operation(kind, place.relative_to(folder).as_posix()))
        finally:
            busy.clear()

    _install()
    _watchers.append(watch)
    try:
        with _wrapped(watch):
            yield
    finally:
        _watchers.remove(watch)


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)  # a hook cannot be removed


_installed: list[bool] = []


def _hook(event: str, arguments: tuple) -> None:
    if not _watchers or event not in _AUDITED:
        return
    path = arguments[_AUDITED[event]]
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor
    if event == "open" and not (arguments[2] or 0) & _WRITES:
        return
    for watch in tuple(_watchers):
        watch(event.removeprefix("os."), os.fsdecode(path))


@contextlib.contextmanager
def _wrapped(watch: Callable[[str, str], None]) -> Iterator[None]:
    from rl.tensorboard.event_file import EventFile

    fsync, begin, flush = os.fsync, EventFile.__init__, EventFile.flush

    def watched_fsync(descriptor: int) -> None:
        watch("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def watched_begin(file: EventFile, folder: Path, *arguments) -> None:
        watch("create", str(folder / "events.out.tfevents.000000"))
        begin(file, folder, *arguments)

    def watched_flush(file: EventFile) -> None:
        watch("flush", str(file.path))
        flush(file)

    with (
        patch.object(os, "fsync", watched_fsync),
        patch.object(EventFile, "__init__", watched_begin),
        patch.object(EventFile, "flush", watched_flush),
    ):
        yield
