"""The run directory as training uses it: ownership, lock, and the files that are written and removed."""

import contextlib
import fcntl
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.errors import BusyError, ConfigError, DamagedError, require
from rl.ownership import MARKER, mark, marker
from rl.runs import layout
from rl.runs.metrics_file import read_metrics
from rl.runs.place import check_place
from rl.runs.summary_file import read_summary, write_summary

_FILES = (layout.SUMMARY, layout.METRICS, layout.FAILURE, layout.CONFIG, layout.OVERRIDES, layout.CHOICES)
_FOLDERS = (layout.CHECKPOINTS, layout.VIDEOS, layout.HYDRA, layout.LOGGERS)
_CLEARED = (
    f"{layout.CHECKPOINTS}/checkpoint_*.npz",  # first, so that no run resumes without the rest
    f"{layout.CHECKPOINTS}/checkpoint_*.partial",
    f"{layout.CHECKPOINTS}/memory_*.npz",
    f"{layout.CHECKPOINTS}/memory_*.partial",
    f"{layout.CHECKPOINTS}/best.partial",
    f"{layout.CHECKPOINTS}/{layout.BEST}",
    layout.METRICS,
    "metrics.partial",
    "events.out.tfevents.*",
    "events*.partial",
    layout.FAILURE,
    layout.CHANGES,
    f"{layout.VIDEOS}/episode_*.mp4",
)
"""Patterns of the files that `clear` removes, in this order."""
_BEFORE_THE_MARKER = (".lock", f"{MARKER}.partial", f"{layout.SUMMARY}.partial")  # all that an interrupted start leaves
_IN_A_CONFIG = {"agent", "environment", "network", "combiner", "optimizer", "frozen", "seed", "steps"}
"""Top-level keys that the config of a run has in every version."""


class RunDirectory:
    """A folder with `.tapestry`, `summary.json`, `metrics.csv`, `checkpoints/`, `videos/`, event files and `.hydra/`.

    The marker `.tapestry` says that the folder belongs to a run; nothing is removed or replaced without it. A file lock
    keeps other processes out during training; it is released when the process ends, for whatever reason.

    Readers outside of training use `rl.runs.reader.RecordedRun`.
    """

    def __init__(self, path: str | Path):
        """path: the folder, which need not exist; nothing is read, created or locked yet."""
        self.path = Path(path).absolute()
        self._lock = None

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints, which need not exist."""
        return self.path / layout.CHECKPOINTS

    @property
    def metrics(self) -> Path:
        """The file metrics.csv, which need not exist."""
        return self.path / layout.METRICS

    @property
    def videos(self) -> Path:
        """The folder of the videos, which need not exist."""
        return self.path / layout.VIDEOS

    def check_usable(self) -> None:
        """Checks that a run may use the path: it is free, a run wrote it, or an interrupted start left it.

        Raises: ConfigError where the folder cannot be created or written, holds files that no run wrote, or has a
            folder under the name of a run's file or the reverse.
        """
        check_place(self.path)
        if not self.path.exists():
            return
        entries = [entry.name for entry in self.path.iterdir() if not self._is_leftover(entry)]
        require(
            not entries or self._is_owned() or self._is_older_run(),
            f"{self.path} is not a run directory: it holds {', '.join(sorted(entries)[:3])}, and nothing says that a "
            "run wrote that. Choose an empty folder or a new one (hydra.run.dir).",
        )
        for name in (*_FILES, *_FOLDERS):
            entry, is_folder = self.path / name, name in _FOLDERS
            fits = not entry.exists() or (entry.is_dir() if is_folder else entry.is_file())
            require(fits, f"{entry} is in the way of a run's own {'folder' if is_folder else 'file'}; move it.")

    def lock(self) -> None:
        """Locks the folder until `unlock` or the end of the process, and marks it as a run's; creates it if needed.

        Call `check_usable` first.

        Raises: BusyError where another process holds the lock; ConfigError where the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = (self.path / ".lock").open("a")
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {error.strerror} (hydra.run.dir).") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.close()
            raise BusyError(
                f"another process is training in {self.path}; wait for it, or choose another hydra.run.dir."
            ) from error
        self._lock = handle
        if not self._is_owned():
            try:
                mark(self.path, "run")
            except OSError as error:
                raise ConfigError(f"{self.path} cannot be written: {error.strerror} (hydra.run.dir).") from None

    def unlock(self) -> None:
        """Releases the lock, if this object holds it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear(self) -> None:
        """Removes the files of a run except its summary and its config; other files stay.

        The summary must record `starting_over` first: else a crash in between leaves a completed run without its files.
        Raises: ConfigError where the folder has no marker.
        """
        require(self._is_owned(), f"{self.path} is not marked as a run directory, so nothing in it is removed.")
        for pattern in _CLEARED:
            for file in sorted(self.path.glob(pattern)):
                file.unlink()
        loggers = self.path / layout.LOGGERS
        if loggers.is_dir() and not loggers.is_symlink():
            shutil.rmtree(loggers)
        for folder in (self.checkpoints, self.videos):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()

    def write_texts(self, texts: Mapping[str, str]) -> None:
        """Replaces text files such as the config, each atomically, and creates their folders where needed.

        texts: {path relative to the run directory: content}.
        Raises: OSError where one cannot be written.
        """
        for name, text in texts.items():
            file = self.path / name
            file.parent.mkdir(exist_ok=True)
            partial = file.with_suffix(".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(file)

    def summary(self) -> dict[str, Any] | None:
        """The content of summary.json; None where it does not exist or is damaged (`damage`)."""
        try:
            return read_summary(self.path / layout.SUMMARY)
        except ConfigError:
            return None

    def damage(self) -> str | None:
        """What is wrong with summary.json, as a sentence; None where it is sound or does not exist."""
        try:
            if (self.path / layout.SUMMARY).exists():
                read_summary(self.path / layout.SUMMARY)
        except ConfigError as error:
            return str(error)
        return None

    def log_damage(self, steps: int) -> str | None:
        """What is wrong with metrics.csv, as a sentence; None where it has a row for every iteration.

        The steps of an iteration are inferred from the file: the smallest difference between consecutive rows.

        steps: environment steps that the run has done.
        """
        try:
            rows = read_metrics(self.metrics)["step"]
        except (ConfigError, DamagedError) as error:
            return str(error)
        expected = round(steps / np.min(np.diff(rows, prepend=0))) if len(rows) else None
        if len(rows) == expected:
            return None
        return f"{self.metrics} is damaged: it has {len(rows)} rows of {expected or 'all'}."

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Replaces summary.json atomically. Raises: OSError where it cannot be written."""
        write_summary(self.path / layout.SUMMARY, summary)

    def remove_if_unused(self) -> None:
        """Removes the folder if nothing was written into it, and then the two folders above it if they are empty.

        The working directory and the folders around it are never removed, nor are symbolic links. Releases the lock.
        """
        with contextlib.suppress(OSError):
            if self._lock is not None and {entry.name for entry in self._entries()} <= {".lock", MARKER}:
                (self.path / MARKER).unlink(missing_ok=True)
                (self.path / ".lock").unlink(missing_ok=True)
            self.unlock()
            for folder in (self.path, *self.path.parents[:2]):
                if not folder.is_dir():
                    continue
                if folder.is_symlink() or Path.cwd().is_relative_to(folder) or any(folder.iterdir()):
                    return
                folder.rmdir()

    def _entries(self) -> Iterator[Path]:
        """What the folder contains; nothing where it does not exist."""
        return self.path.iterdir() if self.path.is_dir() else iter(())

    def _is_owned(self) -> bool:
        """Whether the folder has the marker of a run."""
        return marker(self.path, "run") is not None

    def _is_leftover(self, entry: Path) -> bool:
        """Whether an interrupted start may have left this entry, so that nothing is lost with it."""
        if entry.name == ".hydra" and entry.is_dir():
            return {file.name for file in entry.iterdir()} <= {"config.partial"} or self._has_a_runs_config()
        return entry.name in _BEFORE_THE_MARKER

    def _is_older_run(self) -> bool:
        """Whether a run of a version without markers wrote the folder.

        The evidence is a config with the keys of every version, and a sound summary or a readable checkpoint.
        """
        if not self._has_a_runs_config():
            return False
        return self.summary() is not None or any(map(_is_checkpoint, self.checkpoints.glob("checkpoint_*.npz")))

    def _has_a_runs_config(self) -> bool:
        """Whether the config in the folder has the top-level keys of a run's."""
        try:
            text = (self.path / layout.CONFIG).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False
        return set(re.findall(r"^(\w+):", text, re.MULTILINE)) >= _IN_A_CONFIG


def _is_checkpoint(file: Path) -> bool:
    """Whether a file is a readable checkpoint of a format that this version knows."""
    from rl.runs.checkpoints import read_checkpoint  # noqa: PLC0415 (it imports TensorFlow, which takes seconds)

    try:
        read_checkpoint(file)
    except ConfigError:
        return False
    return True
