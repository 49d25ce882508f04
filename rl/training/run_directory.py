"""The folder of a run: who owns it, what it holds, how it stands."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

from rl.errors import ConfigError

_OURS = ("checkpoints", "videos", ".hydra", "metrics.csv", "summary.json", "failure.npz")


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
        """Takes the folder for this process until it ends; ConfigError where another one has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another process is training in {self.path}; wait for it, or choose another hydra.run.dir."
            ) from error

    def unlock(self) -> None:
        """Gives the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_usable(self) -> None:
        """ConfigError where the folder holds files that no run of ours left there: nothing of them may be lost."""
        if not self.path.exists():
            return
        foreign = [entry.name for entry in self.path.iterdir() if not _is_ours(entry.name)]
        if foreign and not (self.path / "summary.json").exists():
            raise ConfigError(
                f"{self.path} is not a run directory: it holds {', '.join(sorted(foreign)[:3])}. "
                "Choose an empty or a new one (hydra.run.dir)."
            )

    def clear(self) -> None:
        """Removes what a run left: event files, metrics, checkpoints, videos, summary."""
        for entry in self.path.iterdir():
            if _is_ours(entry.name) and entry.name != ".lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def summary(self) -> dict[str, Any] | None:
        """summary.json, or None where there is none or it is damaged."""
        try:
            return json.loads((self.path / "summary.json").read_text())
        except (OSError, ValueError):
            return None

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Replaces summary.json in one step."""
        partial = self.path / "summary.json.partial"
        partial.write_text(json.dumps(summary, indent=2) + "\n")
        partial.replace(self.path / "summary.json")

    def remove_if_unused(self) -> None:
        """Removes a folder that nothing was written into, and the folders above it that this leaves empty."""
        if self._lock is not None:
            (self.path / ".lock").unlink(missing_ok=True)
            self.unlock()
        try:
            self.path.rmdir()
            self.path.parent.rmdir()
            self.path.parent.parent.rmdir()
        except OSError:
            pass  # something else is in there


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith((".lock", "events.out.tfevents")) or name.endswith(".partial")
