"""Reads run directories, for everything outside of training: reports, `inspect`, studies. Needs no TensorFlow.

    run = RecordedRun("runs/default/seed-0")
    run.summary["evaluation"]["mean"], run.metrics.last_return(), run.metrics.typical("update/clip_ratio")

The config is not read here: `rl.commands.recorded` and `rl.commands.restoring` resolve it with OmegaConf.
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rl.errors import ConfigError, require
from rl.reductions import LAST_SHARE, last_return, typical
from rl.runs.layout import CHECKPOINTS, METRICS, SUMMARY, checkpoint_files
from rl.runs.metrics_file import read_metrics
from rl.runs.summary_file import read_summary

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

LAST_RETURN = f"return in the last {100 * LAST_SHARE:.0f} % of training"
"""The name of `Metrics.last_return` in tables and figures."""


class Metrics(NamedTuple):
    """The table of metrics.csv, a row for each of K iterations.

    columns: {tag: [K] float64}, `step` among them, NaN where a tag was not measured in an iteration.
    """

    columns: Mapping[str, np.ndarray] = {}

    @property
    def steps(self) -> np.ndarray:
        """Environment steps at the ends of the iterations, [K]."""
        return self.columns.get("step", np.zeros(0))

    def column(self, tag: str) -> np.ndarray:
        """A tag's numbers, [K] float64; all NaN for a tag that the run did not log."""
        return self.columns.get(tag, np.full(len(self.steps), np.nan))

    def typical(self, tag: str) -> float:
        """The median of a tag over the iterations in which it is finite; NaN if it never is."""
        return float(typical(self.column(tag)))

    def last_return(self, share: float = LAST_SHARE) -> float:
        """The mean undiscounted return of the episodes that ended in the last `share` of the iterations.

        NaN if no episode ended in the whole run; see `rl.reductions.last_return`.
        """
        return last_return(self.column("episode/return"), self.columns.get("episode/count"), share)


class RecordedRun:
    """A run directory, read only. Each file is read once, on its first use; only `events` needs TensorFlow.

    Methods and properties raise ConfigError where a file is missing or cannot be read, and DamagedError where its
    content is not what a run writes; both name the file.
    """

    def __init__(self, path: str | Path):
        """path: the run directory; that it exists is not checked here."""
        self.path = Path(path)

    def missing(self, *names: str) -> list[str]:
        """The files that do not exist, of those named; names are relative to the run directory (`rl.runs.layout`)."""
        return [name for name in names if not (self.path / name).exists()]

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json; `rl.runs.summary_file` validates it."""
        return read_summary(self.path / SUMMARY)

    @property
    def is_completed(self) -> bool:
        """Whether training reached its last step according to the summary; false without a sound summary."""
        try:
            return self.summary["status"] == "completed"
        except ConfigError:
            return False

    @functools.cached_property
    def metrics(self) -> Metrics:
        """All finished rows of metrics.csv; a last line without a line break, still being written, is left out."""
        return Metrics(read_metrics(self.path / METRICS))

    def complete_metrics(self) -> Metrics:
        """The metrics of a completed run; empty where the file is missing or has no row.

        Raises: ConfigError, with a message that does not name the folder, if they end before the summary's last step or
            lack rows in between.
        """
        if self.missing(METRICS):
            return Metrics()
        found, steps = self.metrics.steps, self.summary["steps"]
        if len(found):
            require(found[-1] >= steps, f"{METRICS} ends at step {found[-1]:.0f} of {steps}")
            every = int(np.diff(found, prepend=0).min())
            expected = np.arange(every, found[-1] + 1, every)
            gone = np.setdiff1d(expected, found)
            first = f", the first that of step {gone[0]:.0f}" if len(gone) else ""
            require(
                len(found) == len(expected) and not len(gone),
                f"{METRICS} lacks {len(gone)} of {len(expected)} rows{first}",
            )
        return self.metrics

    def checkpoints(self) -> dict[int, Path]:
        """{environment steps: file} of the checkpoints, oldest first, without `best.npz`."""
        return checkpoint_files(self.path / CHECKPOINTS)

    def newest_arrays(self) -> dict[str, np.ndarray]:
        """{name: array} of the newest checkpoint, with the raw rows as `__rows__/<objective>`.

        Nothing is validated, so that checkpoints of other versions can be compared; `rl.runs.checkpoints` validates.
        """
        files = self.checkpoints()
        require(bool(files), f"{self.path} holds no checkpoint yet.")
        with np.load(files[max(files)]) as arrays:
            return {name: arrays[name] for name in arrays.files if name != "__meta__"}

    def events(self) -> Iterator["Event"]:
        """The events of all event files, file by file; damaged records are skipped."""
        from rl.tensorboard.event_files import read_events  # noqa: PLC0415 (TensorFlow, which most readers do without)

        return read_events(self.path)
