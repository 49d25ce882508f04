"""The records of all runs that train in one program."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rl.learning.state import named_variables
from rl.runs.directory import RunDirectory
from rl.runs.evaluation import Evaluation
from rl.runs.experiment import Experiment
from rl.runs.log_repair import Rates
from rl.runs.loop import Stretch
from rl.runs.record import Description, Record


class Records:
    """One `Record` for each run: what is common to all of them is taken apart here."""

    def __init__(
        self,
        experiment: Experiment,
        directories: Sequence[RunDirectory],
        descriptions: Sequence[Description],
        rates: Rates,
        *,
        keep: int,
    ):
        """
        Args:
            directories, descriptions: of each run; the directories are locked.
            keep: newest checkpoints that each run keeps.
        """
        self._experiment, self._named = experiment, named_variables(experiment.variables)
        legend = experiment.prober.legend if experiment.prober else None
        self._records = [
            Record(directory, description, rates, keep=keep, legend=legend)
            for directory, description in zip(directories, descriptions, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __getitem__(self, run: int) -> Record:
        return self._records[run]

    @property
    def rate(self) -> float:
        """Environment steps a second of training alone, of all runs together."""
        return sum(record.rate for record in self)

    def iterations(self, shares: Sequence[Stretch], *, last: bool, evaluation_due: bool) -> None:
        """Logs each run's share of a stretch; see `Record.iterations`."""
        for record, share in zip(self, shares, strict=True):
            record.iterations(share, last=last, evaluation_due=evaluation_due)

    def histograms(self, shares: Sequence[Stretch]) -> None:
        """Logs histograms of the weights as they stand, and of the newest rows."""
        weights = {
            f"weights/{variable.name.split(':')[0]}": variable.numpy()
            for part in self._experiment.variables.weights.values()
            for variable in part
        }
        for run, (record, share) in enumerate(zip(self, shares, strict=True)):
            rows = {f"row/{objective}": row for objective, row in share.chunk.rows.items()}
            record.histograms({**self._share(weights, run), **rows}, self._experiment.steps)

    def evaluated(self, evaluations: Sequence[Evaluation], *, last: bool) -> list[bool]:
        """Logs the evaluations of the runs that wait for one; whether each is its run's best so far."""
        return [
            record.waits and record.evaluated(evaluation, self._experiment.steps, last=last)
            for record, evaluation in zip(self, evaluations, strict=True)
        ]

    def save(self, rows: Mapping[str, tf.Tensor], best: Sequence[bool], *, interim: bool) -> None:
        """Saves all runs; only then the best ones are replaced and old checkpoints are removed.

        Args:
            rows: the newest raw rows, {objective: [P]} of all runs.
            best: whether each run's evaluation was its best.
            interim: whether only a signal asked for it: the next checkpoint takes its place.
        """
        arrays = {name: variable.numpy() for name, variable in self._named.items()}
        rows = {objective: np.asarray(row) for objective, row in rows.items()}
        for run, record in enumerate(self):
            own, own_rows = self._share(arrays, run), self._share(rows, run)
            record.save(own, own_rows, steps=self._experiment.steps, interim=interim, num_runs=len(self))
        for record, is_best in zip(self, best, strict=True):
            record.settle(best=is_best)

    def write_summaries(self, status: str, **more: Any) -> list[dict[str, Any]]:
        """Replaces every run's summary.json; see `Record.write_summary`."""
        updates = sum(np.ravel(count) for count in self._experiment.variables.updates.values())
        return [
            record.write_summary(status, steps=self._experiment.steps, updates=int(done), **more)
            for record, done in zip(self, updates, strict=True)
        ]

    def close(self) -> None:
        """Ends the event files; all that counts was synced with a checkpoint."""
        for record in self:
            with contextlib.suppress(OSError, tf.errors.OpError):
                record.close()

    def _share(self, arrays: Mapping[str, np.ndarray], run: int) -> dict[str, np.ndarray]:
        """One run's share of what variables hold."""
        return {name: self._experiment.learner.axis.take(array, run) for name, array in arrays.items()}
