"""Ownership of folders and files: a marker file, `.tapestry`, lists what the program itself wrote.

A file or folder that no marker covers belongs to the user, and is neither removed nor replaced. A marker is one line of
JSON with `format`, `version` and `kind`, and for a command's output folder `files`, {name: SHA-256 digests}.
"""

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
    """Writes a marker into a folder, by an atomic rename: a crash leaves either the old marker or the new one.

    Args:
        folder: an existing folder.
        kind: the kind of the folder: `run`, `sweep`, `report`, …
        name: the name of the marker file.
        facts: further JSON values that the marker records.
    Raises: OSError if the folder cannot be written.
    """
    partial = folder / f"{name}.partial"
    partial.write_text(json.dumps({"format": _FORMAT, "version": _VERSION, "kind": kind, **facts}) + "\n")
    partial.replace(folder / name)


def marker(folder: Path, kind: str, *, name: str = MARKER) -> dict[str, Any] | None:
    """The content of a folder's marker.

    Returns: None if the marker is missing, unreadable, or of another kind, format or version.
    """
    try:
        found = json.loads((folder / name).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    expected = {"format": _FORMAT, "version": _VERSION, "kind": kind}
    return found if isinstance(found, dict) and expected.items() <= found.items() else None


class Outputs:
    """The output files of a command, in a folder that the user chose and that may hold other files.

    A marker named after the command lists its files with their SHA-256 digests; a listed file whose content has changed
    since belongs to the user. Usage: `check` before the work, `begin` for a staging folder to write into, `finish` to
    move its files into place. A crash before `finish` leaves the old files unchanged.
    """

    def __init__(self, folder: Path, command: str, *, option: str = "--out"):
        """
        Args:
            folder: the output folder; it need not exist.
            command: the command's name, `report`.
            option: the command-line option that named the folder, for messages.
        """
        self.folder, self._command, self._option = folder, command, option
        self._marker = f"{MARKER}_{command}"
        self._staging: Path | None = None

    def check(self, patterns: Sequence[str]) -> None:
        """Checks that the command may write its files into the folder; nothing is written.

        Args: patterns: glob patterns of the files that the command will write.
        Raises: ConfigError if the folder cannot be written, or a file that matches a pattern is not the command's.
        """
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
        """Makes the folder and an empty staging folder in it, and returns the latter.

        The staging folder is removed with this object. One that a killed command left behind is removed first.
        Raises: ConfigError if the folder cannot be written.
        """
        staging = self.folder / f"{self._marker}_new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if staging.is_dir() and (marker(staging, "staging") is not None or _lacks_only_its_marker(staging)):
                _remove(staging)
            staging.mkdir()
            mark(staging, "staging")
        except OSError as error:
            raise ConfigError(f"{self._option} {self.folder} cannot be written: {error}.") from None
        self._staging = staging
        weakref.finalize(self, _remove_same, staging, staging.stat().st_ino)
        return staging

    def finish(self) -> None:
        """Moves the staged files into the folder and removes the command's earlier files that were not written again.

        Earlier event files are kept, since they hold other steps.
        Raises: ConfigError if a staged file would replace one that is not the command's (then nothing is moved), or the
            folder cannot be written.
        """
        try:
            self._move(self._staging)
            _remove(self._staging)
        except OSError as error:
            raise ConfigError(f"{self._option} {self.folder} cannot be written: {error}.") from None

    def _move(self, staging: Path) -> None:
        """See `finish`. Until the files are in place the marker lists both old and new ones, so that all stay owned."""
        files = {file.relative_to(staging).as_posix(): _digest(file) for file in _files_below(staging)}
        self._require_ours(files)
        old = self._listed()
        both = {name: [*old.get(name, ()), *([files[name]] if name in files else ())] for name in {**old, **files}}
        mark(self.folder, self._command, name=self._marker, files=both)
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
        """Raises ConfigError that names the first of these files that exists and is not the command's."""
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
        """Whether the marker lists the file with its present content; False for a symbolic link."""
        file = self.folder / name
        return file.is_file() and not file.is_symlink() and _digest(file) in self._listed().get(name, ())

    def _listed(self) -> dict[str, list[str]]:
        """{file: the SHA-256 digests that the marker lists for it}; empty if the marker is missing or damaged."""
        files = (marker(self.folder, self._command, name=self._marker) or {}).get("files")
        if not isinstance(files, dict):
            return {}
        return {name: digests for name, digests in files.items() if isinstance(digests, list)}


def _remove_same(staging: Path, number: int) -> None:
    """Removes the folder if it still has this inode number; another process may have made a new one of that name."""
    if staging.exists() and staging.stat().st_ino == number:
        _remove(staging)


def _lacks_only_its_marker(staging: Path) -> bool:
    """Whether a folder holds nothing but a partial marker, since its process died while writing the marker."""
    return {entry.name for entry in staging.iterdir()} <= {f"{MARKER}.partial"}


def _remove(staging: Path) -> None:
    """Removes a folder, ignoring errors; the marker is removed last, so that an interrupted removal can be repeated."""
    with contextlib.suppress(OSError):
        for entry in sorted(staging.iterdir(), key=lambda entry: entry.name == MARKER):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        staging.rmdir()


def _files_below(folder: Path) -> list[Path]:
    """All files below a folder except the marker, sorted."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MARKER)


def _digest(file: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
