"""The folder of a run: who owns it, what it holds, how it stands."""

import contextlib
import fcntl
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.errors import BusyError, ConfigError, DamagedError, require
from rl.ownership import MARKER, mark, marker
from rl.runs.metrics_file import read_metrics
from rl.runs.place import check_place
from rl.runs.summary_file import read_summary, write_summary

__all__ = ["RunDirectory", "read_summary"]

_CONFIG_FILES = (".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml")
_FILES, _FOLDERS = ("summary.json", "metrics.csv", "failure.npz"), ("checkpoints", "videos", ".hydra")
_WRITTEN = (
    "checkpoints/checkpoint_*.npz",  # first, so that none is resumed without the rest
    "checkpoints/checkpoint_*.partial",
    "checkpoints/best.partial",
    "checkpoints/best.npz",
    "metrics.csv",
    "metrics.partial",
    "events.out.tfevents.*",
    "events*.partial",
    "failure.npz",
    "videos/episode_*.mp4",
)
"""What a run writes and `clear` removes."""
_BEFORE_THE_MARKER = (".lock", f"{MARKER}.partial", "summary.json.partial")  # all that a start cut off may leave
_IN_A_CONFIG = {"agent", "environment", "network", "combiner", "optimizer", "frozen", "seed", "steps"}


class RunDirectory:
    """`.tapestry`, `summary.json`, `metrics.csv`, `checkpoints/`, `videos/`, event files, `.hydra/`.

    The marker `.tapestry` says that the folder is a run's; nothing is removed or replaced without it. A lock keeps
    other processes out while it is in use.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).absolute()
        self._lock = None

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """metrics.csv."""
        return self.path / "metrics.csv"

    @property
    def videos(self) -> Path:
        """The folder of the videos."""
        return self.path / "videos"

    def check_usable(self) -> None:
        """ConfigError where no run directory can be here, or where a folder is that no run wrote."""
        check_place(self.path)
        if not self.path.exists():
            return
        entries = [entry.name for entry in self.path.iterdir() if not self._is_leftover(entry)]
        require(
            not entries or self._is_owned() or self._is_older_run(),
            f"{self.path} is not a run directory: it holds {', '.join(sorted(entries)[:3])}, and nothing says that a "
            "run wrote that. Choose an empty folder or a new one (hydra.run.dir).",
        )
        for name in (*_FILES, *_CONFIG_FILES, *_FOLDERS):
            entry, is_folder = self.path / name, name in _FOLDERS
            fits = not entry.exists() or (entry.is_dir() if is_folder else entry.is_file())
            require(fits, f"{entry} is in the way of a run's own {'folder' if is_folder else 'file'}; move it.")

    def lock(self) -> None:
        """Takes the folder for this process until it ends, and marks it as a run's.

        To be called where `check_usable` has found nothing wrong. Raises: BusyError where another process has it;
        ConfigError where the folder cannot be written.
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
        """Gives the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear(self) -> None:
        """Removes what a run left, its summary excepted; whatever else lies there stays.

        The summary must say before that the run starts over: a crash in between leaves no complete run without files.
        """
        require(self._is_owned(), f"{self.path} is not marked as a run directory, so nothing in it is removed.")
        for pattern in _WRITTEN:
            for file in sorted(self.path.glob(pattern)):
                file.unlink()
        for name in ("checkpoints", "videos"):
            folder = self.path / name
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()

    def write_texts(self, texts: Mapping[str, str]) -> None:
        """Replaces files {path: text}, such as the config's, each in one step."""
        for name, text in texts.items():
            file = self.path / name
            file.parent.mkdir(exist_ok=True)
            partial = file.with_suffix(".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(file)

    def summary(self) -> dict[str, Any] | None:
        """summary.json, or None where there is none or `damage` says what is wrong with it."""
        try:
            return read_summary(self.path / "summary.json")
        except ConfigError:
            return None

    def damage(self) -> str | None:
        """What is wrong with summary.json, in a sentence; None where it is sound or not there."""
        try:
            if (self.path / "summary.json").exists():
                read_summary(self.path / "summary.json")
        except ConfigError as error:
            return str(error)
        return None

    def log_damage(self, steps: int) -> str | None:
        """What is wrong with metrics.csv of a run that came to this step, in a sentence; None where it is whole."""
        try:
            rows = read_metrics(self.path / "metrics.csv")["step"]
        except (ConfigError, DamagedError) as error:
            return str(error)
        expected = round(steps / np.min(np.diff(rows, prepend=0))) if len(rows) else None
        if len(rows) == expected:
            return None
        return f"{self.path / 'metrics.csv'} is damaged: it has {len(rows)} rows of {expected or 'all'}."

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Replaces summary.json in one step."""
        write_summary(self.path / "summary.json", summary)

    def remove_if_unused(self) -> None:
        """Removes a folder that nothing was written into, and the two folders above it if this leaves them empty.

        Never the working directory or a folder around it.
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
        return self.path.iterdir() if self.path.is_dir() else iter(())

    def _is_owned(self) -> bool:
        return marker(self.path, "run") is not None

    def _is_leftover(self, entry: Path) -> bool:
        """Whether an entry is what a start that was cut off leaves, with nothing in it to lose."""
        if entry.name == ".hydra" and entry.is_dir():
            return {file.name for file in entry.iterdir()} <= {"config.partial"} or self._has_a_runs_config()
        return entry.name in _BEFORE_THE_MARKER

    def _is_older_run(self) -> bool:
        """Whether the folder's files prove that a run wrote them before there were markers.

        By a config with the keys of ours, and either a sound summary or a checkpoint of ours.
        """
        if not self._has_a_runs_config():
            return False
        return self.summary() is not None or any(map(_is_checkpoint, self.checkpoints.glob("checkpoint_*.npz")))

    def _has_a_runs_config(self) -> bool:
        try:
            text = (self.path / ".hydra" / "config.yaml").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False
        return set(re.findall(r"^(\w+):", text, re.MULTILINE)) >= _IN_A_CONFIG


def _is_checkpoint(file: Path) -> bool:
    from rl.runs.checkpoints import read_checkpoint  # noqa: PLC0415 (TensorFlow, for which readers need not wait)

    try:
        read_checkpoint(file)
    except ConfigError:
        return False
    return True
