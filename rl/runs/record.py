"""The record of one run in its directory: log, checkpoints and summary."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.runs.checkpoints import Checkpoint, CheckpointFolder, write_checkpoint
from rl.runs.description import Description
from rl.runs.directory import RunDirectory
from rl.runs.evaluation import Evaluation
from rl.runs.layout import METRICS
from rl.runs.log import RunLog
from rl.runs.log_repair import Rates
from rl.runs.loggers import Logger
from rl.runs.loop import Stretch
from rl.runs.provenance import git_commit, threads, versions
from rl.runs.storage import storing
from rl.tensorboard.gramians import Legend


class Record:
    """Writes one run's files, and keeps the counters and results that persist across interruptions."""

    def __init__(
        self,
        directory: RunDirectory,
        description: Description,
        rates: Rates,
        *,
        keep: int,
        legend: Legend | None,
        loggers: Mapping[str, Logger] | None = None,
    ):
        """
        Args:
            keep: number of newest checkpoints to keep, ≥ 1.
            legend: of the Gramians; None where nothing is probed.
            loggers: {name: logger} of this run alone; None for `usual_loggers`.
        """
        self.directory, self._description, self._rates = directory, description, rates
        self._checkpoints = CheckpointFolder(directory.checkpoints, keep=keep)
        self._log = RunLog(directory.path, rates, legend=legend, loggers=loggers)
        self._meta = {
            "timed_steps": 0,
            "timed_seconds": 0.0,
            "wall_seconds": 0.0,
            "best": None,
            "best_step": None,
            "evaluation": None,
            "lost": [],
            "lengths": list(description.lengths),
        }
        self._began = time.monotonic()
        self._newest: Checkpoint | None = None
        self._interim: int | None = None

    @property
    def checkpoint_steps(self) -> set[int]:
        """The environment steps of the existing checkpoints."""
        return set(self._checkpoints.by_steps())

    @property
    def waits(self) -> bool:
        """Whether the evaluation of the last iteration is pending."""
        return self._log.waiting is not None

    @property
    def wall_seconds(self) -> float:
        """Wall-clock seconds since the run began, excluding interruptions."""
        return self._meta["wall_seconds"] + time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Environment steps per second of training alone; 0 before any."""
        return self._meta["timed_steps"] / self._meta["timed_seconds"] if self._meta["timed_seconds"] else 0.0

    def read(self, steps: int) -> tuple[Checkpoint, Path]:
        """The checkpoint at an environment step, and its file; see `read_checkpoint` for errors."""
        return self._checkpoints.read(steps), self._checkpoints.by_steps()[steps]

    def begin(self) -> None:
        """Removes what an earlier run left, writes the description's files, and begins the log.

        The summary must already record that the run starts over.
        """
        described = self._description
        self._meta["lengths"] = list(described.lengths[-1:])
        with storing(self.directory.path):
            self.directory.clear()
            self.directory.write_texts(described.files)
            self._log.begin(described.config_text, described.hyperparameters)

    def go_on(self, checkpoint: Checkpoint, *, evaluation_due: bool) -> list[str]:
        """Drops everything after a checkpoint, and resumes from it; returns sentences on what was damaged.

        A run that is extended from this checkpoint has no final evaluation until its new end.

        evaluation_due: whether an evaluation is due at its step.
        """
        meta, described = checkpoint.meta, self._description
        extends = len(described.lengths) > 1 and list(described.lengths) != meta["lengths"]
        self._meta.update({key: meta[key] for key in self._meta})
        if meta["lengths"][-1:] != list(described.lengths[-1:]):
            self._meta["lengths"] = list(described.lengths)
        if extends:
            self._meta["evaluation"] = None
        self._interim = meta["steps"] if meta["interim"] else None
        with storing(self.directory.path):
            self.directory.write_texts(described.files)
            self._checkpoints.prune(meta["steps"])  # before the log, which only this checkpoint then fits
            found = self._log.go_on(
                meta, described.config_text, described.hyperparameters, evaluation_due=evaluation_due, extends=extends
            )
            lost = [*found.lost, *self._mend_best(checkpoint), *([checkpoint.lost] if checkpoint.lost else [])]
        self._meta["lost"] = list(dict.fromkeys([*self._meta["lost"], *lost]))
        return [*found.rebuilt, *lost]

    def change_to(self, description: Description, legend: Legend | None, step: int) -> None:
        """Records other settings from a step on.

        Args: legend: of the Gramians from here on; step: environment steps done.
        """
        self._description = description
        with storing(self.directory.path):
            self.directory.write_texts(description.files)
            self._log.change_to(description.config_text, legend, step)

    def iterations(self, stretch: Stretch, *, last: bool, evaluation_due: bool) -> None:
        """Logs a stretch of this run; where an evaluation is due after it, the last row waits for `evaluated`.

        last: whether training ends here, so that the iterations since the last point make a point of their own.
        """
        if not stretch.num_iterations:
            return
        self._meta["timed_steps"] += stretch.num_iterations * self._rates.steps_per_iteration
        self._meta["timed_seconds"] += stretch.seconds
        with storing(self.directory.path):
            self._log.iterations(stretch, wall_seconds=self.wall_seconds, last=last, evaluation_due=evaluation_due)

    def evaluated(self, evaluation: Evaluation, steps: int, *, last: bool) -> bool:
        """Logs the evaluation that was due; returns whether its mean is the best so far, or ties with it."""
        if last:
            self._meta["evaluation"] = evaluation.summary()
        with storing(self.directory.path):
            self._log.evaluated(evaluation, steps, last=last)
        mean, best = evaluation.summary()["mean"], self._meta["best"]
        if not math.isfinite(mean) or (best is not None and mean < best):  # false for a NaN, as format 2 has
            return False
        self._meta |= {"best": mean, "best_step": steps}
        return True

    def evaluated_again(self, evaluation: Evaluation) -> dict[str, Any]:
        """Replaces the evaluation in the summary of a complete run; returns the summary."""
        summary = {**self.directory.summary(), "evaluation": evaluation.summary()}
        with storing(self.directory.path):
            self.directory.write_texts(self._description.files)
            self.directory.write_summary(summary)
        return summary

    def histograms(self, arrays: Mapping[str, np.ndarray], steps: int) -> None:
        """Logs histograms of weights and rows; arrays: {tag: array}."""
        with storing(self.directory.path):
            self._log.histograms(arrays, steps)

    def save(
        self,
        arrays: Mapping[str, np.ndarray],
        rows: Mapping[str, np.ndarray],
        memory: Mapping[str, np.ndarray],
        *,
        steps: int,
        interim: bool,
        num_runs: int,
    ) -> None:
        """Writes a checkpoint, after flushing the log to disk; removes nothing yet.

        Args:
            arrays: {name: array} of all variables but those of the memory; rows: {objective: [P]}, the newest raw rows.
            memory: {name: array} of the memory; {} for none.
            interim: whether only a signal asked for it: the next checkpoint replaces it.
            num_runs: number of runs in the program, which are saved together.
        """
        first_of = None if self.checkpoint_steps - {steps} else num_runs
        meta = {**self._meta, "steps": steps, "interim": interim, "first_of": first_of}
        meta["wall_seconds"] = self.wall_seconds
        with storing(self.directory.path):
            self._log.sync()
            self._newest = Checkpoint(arrays, {**meta, "memory": bool(memory), **self._log.state()}, rows, memory)
            self._checkpoints.save(self._newest)

    def settle(self, *, best: bool) -> None:
        """Updates the best checkpoint and removes old ones, once all runs of the program have saved theirs.

        best: whether the newest checkpoint is the best.
        """
        steps = self._newest.meta["steps"]
        with storing(self.directory.path):
            if best:
                write_checkpoint(self._checkpoints.best, self._newest)
            replaced = self._interim if self._interim != steps else None
            self._checkpoints.prune(steps, interim=replaced)
        self._interim = steps if self._newest.meta["interim"] else None
        self._newest = None

    @property
    def has_log_alone(self) -> bool:
        """Whether iterations were logged, but there is no checkpoint to resume from."""
        metrics = self.directory.path / METRICS
        return not self.checkpoint_steps and metrics.is_file() and metrics.read_bytes().count(b"\n") > 1

    @property
    def starting_over(self) -> bool:
        """Whether a crash interrupted the removal of an earlier run."""
        return bool((self.directory.summary() or {}).get("starting_over"))

    def write_summary(
        self, status: str, *, steps: int, updates: int, error: str | None = None, starting_over: bool = False
    ) -> dict[str, Any]:
        """Replaces summary.json, and returns its content.

        starting_over: whether the files of an earlier run are about to be removed.
        """
        summary = {
            "status": status,
            "steps": steps,
            "updates": updates,
            "wall_seconds": round(self.wall_seconds, 3),
            "steps_per_second": round(self.rate, 1),
            "evaluation": self._meta["evaluation"],
            "seed": self._description.seed,
            "lengths": self._meta["lengths"],
            "threads": threads(),
            "versions": versions(),
            "git_commit": git_commit(),
        }
        summary |= {} if error is None else {"error": error}
        summary |= {"starting_over": True} if starting_over else {}
        with storing(self.directory.path):
            if status != "running":
                self._log.end(summary)  # before the summary; a run that resumes drops it from the event files
            if lost := dict.fromkeys([*self._meta["lost"], *self._log.lost]):
                summary["lost"] = list(lost)
            self.directory.write_summary(summary)
        return summary

    def close(self) -> None:
        """Closes the event file, if there is one."""
        self._log.close()

    def _mend_best(self, checkpoint: Checkpoint) -> list[str]:
        """Writes best.npz where a crash came before it; returns a sentence where the best checkpoint is lost."""
        step = self._meta["best_step"]
        if step is None or self._checkpoints.mend_best(checkpoint, step):
            return []
        self._meta |= {"best": None, "best_step": None}
        return [f"best.npz of step {step:,} is lost; the best from here on is kept"]
