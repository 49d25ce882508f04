"""The folder of a run: who owns it, what it holds, how it stands."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

from rl import plain_json
from rl.errors import BusyError, ConfigError

_OURS = ("checkpoints", "videos", ".hydra", "metrics.csv", "summary.json", "failure.npz")
_IN_A_SUMMARY = {"status", "steps", "updates", "evaluation", "steps_per_second", "wall_seconds"}
_BEFORE_A_SUMMARY = (".lock", ".hydra", "summary.json.partial")  # all that a run may leave before its first summary


class RunDirectory:
    """`summary.json`, `metrics.csv`, `checkpoints/`, `videos/`, event files, `.hydra/`; locked while in use."""

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

    def lock(self) -> None:
        """Takes the folder for this process until it ends; BusyError where another one has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        handle = (self.path / ".lock").open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.close()
            raise BusyError(
                f"another process is training in {self.path}; wait for it, or choose another hydra.run.dir."
            ) from error
        self._lock = handle

    def unlock(self) -> None:
        """Gives the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_usable(self) -> None:
        """ConfigError where the folder holds files but no summary of a run: nothing of somebody else's may be lost."""
        if not self.path.exists() or (self.path / "summary.json").exists():
            return
        foreign = [entry.name for entry in self.path.iterdir() if entry.name not in _BEFORE_A_SUMMARY]
        if foreign:
            raise ConfigError(
                f"{self.path} is not a run directory: it holds {', '.join(sorted(foreign)[:3])}. "
                "Choose an empty or a new one (hydra.run.dir)."
            )

    def clear(self) -> None:
        """Removes what a run left: checkpoints first, so that none is resumed without the rest, the summary last."""
        entries = [entry for entry in self.path.iterdir() if _is_ours(entry.name)]
        for entry in sorted(entries, key=lambda entry: (entry.name == "summary.json", entry.name != "checkpoints")):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def summary(self) -> dict[str, Any] | None:
        """summary.json, or None where there is none or it is damaged."""
        try:
            summary = json.loads((self.path / "summary.json").read_text())
        except (OSError, ValueError):
            return None
        return summary if isinstance(summary, dict) and summary.keys() >= _IN_A_SUMMARY else None

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Replaces summary.json in one step."""
        partial = self.path / "summary.json.partial"
        partial.write_text(plain_json.dumps(summary, indent=2) + "\n")
        partial.replace(self.path / "summary.json")

    def remove_if_unused(self) -> None:
        """Removes a folder that nothing was written into, and the two folders above it if this leaves them empty.

        Never the working directory or a folder around it.
        """
        if self._lock is not None:
            (self.path / ".lock").unlink(missing_ok=True)
            self.unlock()
        for folder in (self.path, *self.path.parents[:2]):
            if not folder.exists():
                continue
            if Path.cwd().is_relative_to(folder) or any(folder.iterdir()):
                return
            folder.rmdir()


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("events.out.tfevents") or name.endswith(".partial")
