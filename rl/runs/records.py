"""The records of all runs that train in one program."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rl.learning.state import memory_names, named_variables
from rl.runs.description import Description
from rl.runs.directory import RunDirectory
from rl.runs.evaluation import Evaluation
from rl.runs.experiment import Experiment
from rl.runs.log_repair import Rates
from rl.runs.loggers import Logger, usual_loggers
from rl.runs.loop import Stretch
from rl.runs.record import Record


class Records:
    """A sequence of one `Record` per run; splits what a program returns for all runs into the share of each run."""

    def __init__(
        self,
        experiment: Experiment,
        directories: Sequence[RunDirectory],
        descriptions: Sequence[Description],
        rates: Rates,
        *,
        keep: int,
        remembers: bool = True,
        make_loggers: Callable[[], Mapping[str, Logger]] = usual_loggers,
    ):
        """
        Args:
            experiment: of all runs.
            directories, descriptions: one per run; the directories are locked.
            rates: of all logs.
            keep: number of newest checkpoints that each run keeps, ≥ 1.
            remembers: whether an agent's memory is saved beside the newest one.
            make_loggers: () → {name: logger}, called once for each run.
        """
        self._memory, self._remembers = memory_names(experiment.learner, experiment.variables), remembers
        self._experiment, self._named = experiment, named_variables(experiment.variables)
        legend = experiment.prober.legend if experiment.prober else None
        self._records = [
            Record(directory, description, rates, keep=keep, legend=legend, loggers=make_loggers())
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
        """Environment steps per second of training alone, of all runs together."""
        return sum(record.rate for record in self)

    def iterations(self, shares: Sequence[Stretch], *, last: bool, evaluation_due: bool) -> None:
        """Logs each run's share of a stretch; see `Record.iterations`. shares: one per run."""
        for record, share in zip(self, shares, strict=True):
            record.iterations(share, last=last, evaluation_due=evaluation_due)

    def change_to(self, experiment: Experiment, descriptions: Sequence[Description]) -> None:
        """Goes on with another experiment, whose settings the directories record from here on; see `Record.change_to`.

        Args:
            experiment: with the same variables but for those of the combiners' states.
            descriptions: one per run.
        """
        self._experiment, self._named = experiment, named_variables(experiment.variables)
        legend = experiment.prober.legend if experiment.prober else None
        for record, description in zip(self, descriptions, strict=True):
            record.change_to(description, legend, experiment.steps)

    def histograms(self, shares: Sequence[Stretch]) -> None:
        """Logs histograms of the current weights and of the newest raw rows, as `weights/…` and `row/…`.

        shares: one per run, with the rows.
        """
        weights = {
            f"weights/{variable.name.split(':')[0]}": variable.numpy()
            for part in self._experiment.variables.weights.values()
            for variable in part
        }
        for run, (record, share) in enumerate(zip(self, shares, strict=True)):
            rows = {f"row/{objective}": row for objective, row in share.chunk.rows.items()}
            record.histograms({**self._share(weights, run), **rows}, self._experiment.steps)

    def evaluated(self, evaluations: Sequence[Evaluation], *, last: bool) -> list[bool]:
        """Logs the evaluations of the runs that wait for one.

        Args:
            evaluations: one per run.
            last: whether training ends here, so that the summary gets the evaluation.
        Returns: whether each evaluation was logged and is its run's best so far.
        """
        return [
            record.waits and record.evaluated(evaluation, self._experiment.steps, last=last)
            for record, evaluation in zip(self, evaluations, strict=True)
        ]

    def save(self, rows: Mapping[str, tf.Tensor], best: Sequence[bool], *, interim: bool) -> None:
        """Saves all runs, and only then replaces the best checkpoints and removes old ones.

        Args:
            rows: the newest raw rows, {objective: [P]}, or [S, P] of S > 1 runs.
            best: whether each run's evaluation was its best.
            interim: whether only a signal asked for it: the next checkpoint replaces it.
        Raises: StorageError where a directory cannot be written.
        """
        saved = self._named.keys() if self._remembers else self._named.keys() - self._memory
        arrays = {name: variable.numpy() for name, variable in self._named.items() if name in saved}
        rows = {objective: np.asarray(row) for objective, row in rows.items()}
        for run, record in enumerate(self):
            own, own_rows = self._share(arrays, run), self._share(rows, run)
            memory = {name: own.pop(name) for name in [*own] if name in self._memory}
            record.save(own, own_rows, memory, steps=self._experiment.steps, interim=interim, num_runs=len(self))
        for record, is_best in zip(self, best, strict=True):
            record.settle(best=is_best)

    def write_summaries(self, status: str, **more: Any) -> list[dict[str, Any]]:
        """Replaces every run's summary.json, and returns the contents; more: see `Record.write_summary`."""
        updates = sum(np.ravel(count) for count in self._experiment.variables.updates.values())
        return [
            record.write_summary(status, steps=self._experiment.steps, updates=int(done), **more)
            for record, done in zip(self, updates, strict=True)
        ]

    def close(self) -> None:
        """Closes the event files and ignores errors: what a checkpoint vouches for was synced before."""
        for record in self:
            with contextlib.suppress(OSError, tf.errors.OpError):
                record.close()

    def _share(self, arrays: Mapping[str, np.ndarray], run: int) -> dict[str, np.ndarray]:
        """One run's share of {name: array of all runs}; arrays common to all runs are returned as they are."""
        return {name: self._experiment.learner.axis.take(array, run) for name, array in arrays.items()}
