"""What one run leaves in its directory: the log, the checkpoints, the summary."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rl.errors import require
from rl.tensorboard.gramians import Legend
from rl.training.checkpoints import Checkpoint, CheckpointFolder, read_checkpoint
from rl.training.evaluation import Evaluation
from rl.training.loop import Stretch
from rl.training.provenance import git_commit, threads, versions
from rl.training.run_directory import RunDirectory
from rl.training.run_log import RunLog


class Description(NamedTuple):
    """What a run is called and made of."""

    seed: int
    config_text: str  # the composed config as YAML, shown in TensorBoard
    hyperparameters: Mapping[str, Any]  # {key: value} for the HParams tab


class Record:
    """One run's files, and the figures of it that outlive an interruption."""

    def __init__(
        self,
        directory: RunDirectory,
        description: Description,
        *,
        steps_per_iteration: int,
        points_every: int,
        keep: int,
        legend: Legend | None,
    ):
        """
        Args:
            points_every: iterations from one point in TensorBoard to the next.
            keep: how many of the newest checkpoints stay.
            legend: of the Gramians; None where nothing is probed.
        """
        self.directory, self._description = directory, description
        self._checkpoints = CheckpointFolder(directory.checkpoints, keep=keep)
        self.log = RunLog(
            directory.path, steps_per_iteration=steps_per_iteration, points_every=points_every, legend=legend
        )
        self._meta = {"timed_steps": 0, "timed_seconds": 0.0, "wall_seconds": 0.0, "best": None, "evaluation": None}
        self._began = time.monotonic()

    @property
    def checkpoint_steps(self) -> set[int]:
        """The environment steps of the checkpoints there are."""
        return {int(file.stem.split("_")[1]) for file in self._checkpoints.files()}

    @property
    def evaluated(self) -> bool:
        """Whether the last evaluation is done."""
        return self._meta["evaluation"] is not None

    @property
    def wall_seconds(self) -> float:
        """Since the run began, interruptions left out."""
        return self._meta["wall_seconds"] + time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Environment steps a second of training alone."""
        return self._meta["timed_steps"] / self._meta["timed_seconds"] if self._meta["timed_seconds"] else 0.0

    def begin(self) -> None:
        """Begins the log."""
        _, config_text, hyperparameters = self._description
        self.log.begin(config_text, hyperparameters)

    def read(self, steps: int) -> tuple[Checkpoint, Path]:
        """The checkpoint of an environment step."""
        file = next(file for file in self._checkpoints.files() if int(file.stem.split("_")[1]) == steps)
        return read_checkpoint(file), file

    def go_on(self, meta: Mapping[str, Any]) -> None:
        """Takes out what was logged after a checkpoint, and goes on with its figures."""
        self._meta.update({key: meta[key] for key in self._meta})
        since = [{tag: float(number) for tag, number in row.items()} for row in meta["since_log"]]
        self.log.go_on(meta["steps"], since, meta["noise_scales"])

    def iterations(self, stretch: Stretch, evaluation: Evaluation | None, *, last: bool) -> bool:
        """Logs a stretch and the evaluation after it; whether this evaluation is the best so far."""
        if not stretch.num_iterations:
            return False
        self._meta["timed_steps"] += stretch.num_iterations * self.log.steps_per_iteration
        self._meta["timed_seconds"] += stretch.seconds
        if last and evaluation is not None:
            self._meta["evaluation"] = evaluation.summary()
        self.log.iterations(stretch, evaluation, wall_seconds=self.wall_seconds, last=last)
        return evaluation is not None and self._is_best(evaluation)

    def evaluation(self, evaluation: Evaluation, steps: int) -> bool:
        """Logs a last evaluation by itself; whether it is the best so far."""
        self._meta["evaluation"] = evaluation.summary()
        self.log.evaluation(evaluation, steps)
        return self._is_best(evaluation)

    def save(self, arrays: Mapping[str, np.ndarray], *, steps: int, best: bool) -> None:
        """A checkpoint."""
        self.log.flush()
        meta = {
            **self._meta,
            "wall_seconds": self.wall_seconds,
            "since_log": [{tag: _written(number) for tag, number in row.items()} for row in self.log.since_point],
            "noise_scales": self.log.noise_scales.averages,
        }
        self._checkpoints.save(arrays, meta, steps=steps, best=best)

    def write_summary(self, status: str, *, steps: int, updates: int, error: str | None = None) -> dict[str, Any]:
        """Replaces summary.json."""
        summary = {
            "status": status,
            "steps": steps,
            "updates": updates,
            "wall_seconds": round(self.wall_seconds, 3),
            "steps_per_second": round(self.rate, 1),
            "evaluation": self._meta["evaluation"],
            "seed": self._description.seed,
            "threads": threads(),
            "versions": versions(),
            "git_commit": git_commit(),
        }
        if error is not None:
            summary["error"] = error
        self.directory.write_summary(summary)
        self.log.end(status, steps)
        return summary

    def _is_best(self, evaluation: Evaluation) -> bool:
        mean, best = evaluation.summary()["mean"], self._meta["best"]
        if best is not None and mean < best:
            return False
        self._meta["best"] = mean
        return True


def _written(number: float) -> float | str:
    """A number as JSON holds it so that `float` has it back: NaN and infinities are no JSON, their names are."""
    return number if math.isfinite(number) else str(number)


def common_steps(records: Sequence[Record]) -> list[int]:
    """The environment steps of which every run has a checkpoint, the newest first."""
    return sorted(set.intersection(*(record.checkpoint_steps for record in records)), reverse=True)


def loadable(path: Path) -> Path:
    """The checkpoint that `checkpoint.load` names: a file, or the newest one of a run directory."""
    file = CheckpointFolder(path / "checkpoints", keep=1).files()[-1:] if path.is_dir() else [path]
    require(bool(file), f"{path} holds no checkpoint (checkpoint.load).")
    return file[0]
