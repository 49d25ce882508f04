"""Which folders and files are ours: a marker file says so. Nothing that no marker covers is removed or replaced."""

import contextlib
import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rl.errors import ConfigError, require

MARKER = ".tapestry"
_FORMAT, _VERSION = "tapestry", 1


def mark(folder: Path, kind: str, *, name: str = MARKER, **facts: Any) -> None:
    """Writes a marker of a kind (`run`, `sweep`, `report`, …) into a folder, in one step."""
    partial = folder / f"{name}.partial"
    partial.write_text(json.dumps({"format": _FORMAT, "version": _VERSION, "kind": kind, **facts}) + "\n")
    partial.replace(folder / name)


def marker(folder: Path, kind: str, *, name: str = MARKER) -> dict[str, Any] | None:
    """The folder's marker; None where there is none of this kind, format and version."""
    try:
        found = json.loads((folder / name).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    expected = {"format": _FORMAT, "version": _VERSION, "kind": kind}
    return found if isinstance(found, dict) and expected.items() <= found.items() else None


class Outputs:
    """The files that a command writes into a folder of the user's choice, which may hold other files.

    A marker of the command lists its files by their SHA-256. A listed file that has changed since is the user's. What
    is new is written apart and moved into place at the end, so that a crash leaves either the old files or the new.
    """

    def __init__(self, folder: Path, command: str, *, option: str = "--out"):
        """command: its name, `report`; option: what the folder was given by."""
        self.folder, self._command, self._option = folder, command, option
        self._marker = f"{MARKER}_{command}"
        self._staging: Path | None = None

    def check(self, patterns: Sequence[str]) -> None:
        """ConfigError where the folder cannot be used, or holds a file by one of these names that is not ours."""
        try:
            for place in (self.folder, *self.folder.absolute().parents):
                if os.path.lexists(place):
                    break
            where = "" if place == self.folder else f": {place}"
            why = f" is a file; the {self._command} needs a folder" if place.is_file() else " cannot be written"
            usable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
            require(usable, f"{self._option} {self.folder}{where}{why}.")
            found = [file for pattern in patterns for file in self.folder.glob(pattern)]
        except OSError as error:
            raise ConfigError(f"{self._option} {self.folder} cannot be used: {error.strerror}.") from None
        self._require_ours(file.relative_to(self.folder).as_posix() for file in found)

    def begin(self) -> Path:
        """An empty folder to write into; whatever is in it goes with this object, unless `finish` moves it.

        Raises: ConfigError where the folder cannot be written.
        """
        staging = self.folder / f"{self._marker}_new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if staging.is_dir() and (marker(staging, "staging") is not None or _is_hardly_begun(staging)):
                _remove(staging)  # of a command that was killed
            staging.mkdir()
            mark(staging, "staging")
        except OSError as error:
            raise ConfigError(f"{self._option} {self.folder} cannot be written: {error}.") from None
        self._staging = staging
        weakref.finalize(self, _remove_same, staging, staging.stat().st_ino)
        return staging

    def finish(self) -> None:
        """What was written takes the place of what the command wrote before.

        Event files join those of other names, which are of other steps.
        Raises: ConfigError where a file that is not ours stands in the way, or the folder cannot be written.
        """
        try:
            self._move(self._staging)
            _remove(self._staging)
        except OSError as error:
            raise ConfigError(f"{self._option} {self.folder} cannot be written: {error}.") from None

    def _move(self, staging: Path) -> None:
        files = {file.relative_to(staging).as_posix(): _digest(file) for file in _files_below(staging)}
        self._require_ours(files)
        old = self._listed()
        both = {name: [*old.get(name, ()), *([files[name]] if name in files else ())] for name in {**old, **files}}
        mark(self.folder, self._command, name=self._marker, files=both)  # whatever a crash leaves now is ours
        events = {name: digests for name, digests in old.items() if "tfevents" in name}
        for name in old.keys() - events.keys() - files.keys():
            if self._is_ours(name):
                (self.folder / name).unlink(missing_ok=True)
        for name in files:
            (self.folder / name).parent.mkdir(exist_ok=True)
            (staging / name).replace(self.folder / name)
        kept = events | {name: [digest] for name, digest in files.items()}
        mark(self.folder, self._command, name=self._marker, files=kept)

    def _require_ours(self, names: Iterable[str]) -> None:
        foreign = sorted(name for name in names if os.path.lexists(self.folder / name) and not self._is_ours(name))
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        require(
            not foreign,
            f"{self.folder / foreign[0]}{more} would be replaced, but {self._marker} there does not list it as written "
            f"by this command: move it away, or choose another folder ({self._option})."
            if foreign
            else "",
        )

    def _is_ours(self, name: str) -> bool:
        file = self.folder / name
        return file.is_file() and not file.is_symlink() and _digest(file) in self._listed().get(name, ())

    def _listed(self) -> dict[str, list[str]]:
        files = (marker(self.folder, self._command, name=self._marker) or {}).get("files")
        if not isinstance(files, dict):
            return {}
        return {name: digests for name, digests in files.items() if isinstance(digests, list)}


def _remove_same(staging: Path, number: int) -> None:
    """Removes the folder if it is still that one: another command may have taken its name meanwhile."""
    if staging.exists() and staging.stat().st_ino == number:
        _remove(staging)


def _is_hardly_begun(staging: Path) -> bool:
    """Whether there is nothing in it but what a process leaves that died before its marker."""
    return {entry.name for entry in staging.iterdir()} <= {f"{MARKER}.partial"}


def _remove(staging: Path) -> None:
    """The marker last, so that what a crash leaves is still known as ours."""
    with contextlib.suppress(OSError):
        for entry in sorted(staging.iterdir(), key=lambda entry: entry.name == MARKER):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        staging.rmdir()


def _files_below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MARKER)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
