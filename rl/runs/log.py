"""The log of a run: metrics.csv has every iteration, TensorBoard and other loggers a point every few iterations."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.instruments.noise_scales import NoiseScales
from rl.reductions import combine
from rl.runs.delivery import Delivery
from rl.runs.evaluation import Evaluation
from rl.runs.layout import METRICS
from rl.runs.log_repair import Rates, Repaired, repair
from rl.runs.loggers import Csv, Logger, Session, TensorBoard, usual_loggers
from rl.runs.loop import Stretch
from rl.tags import reduction
from rl.tensorboard.gramians import Legend
from rl.tensorboard.layout import TAG as LAYOUT
from rl.tensorboard.writer import Writer


class RunLog:
    """Writes metrics.csv and the event files of one run, and delivers its points to loggers elsewhere.

    A point combines the iterations since the previous point, each tag by its own reduction (rl/tags.py).
    """

    def __init__(
        self,
        folder: Path,
        rates: Rates,
        *,
        legend: Legend | None = None,
        loggers: Mapping[str, Logger] | None = None,
    ):
        """
        Args:
            folder: the run directory.
            legend: of the Gramians, which every probed iteration writes; None without any.
            loggers: {name: logger}, a `Csv` among them; None for `usual_loggers`. Without a `TensorBoard` there are no
                event files.
        """
        loggers = loggers or usual_loggers()
        self._folder, self._rates, self._legend = folder, rates, legend
        self._csv = next(one for one in loggers.values() if isinstance(one, Csv))
        self._events = next((one for one in loggers.values() if isinstance(one, TensorBoard)), None)
        rest = {name: one for name, one in loggers.items() if one not in (self._csv, self._events)}
        self._elsewhere = Delivery(folder, rest)
        self._summary: Mapping[str, Any] | None = None
        self._metrics = self._csv.open(folder / METRICS)
        self._laid_out = True
        self._since_point: list[dict[str, float]] = []
        self.waiting: dict[str, float] | None = None
        """The last iteration's row while its evaluation is pending; it is written once the evaluation is done."""
        self._noise_scales = NoiseScales()
        self._counts: Counter = Counter()

    def begin(self, config_text: str, hyperparameters: Mapping[str, Any]) -> None:
        """Starts all loggers of a new run.

        TensorBoard's layout follows with the first iterations, once the tags are known.
        Raises: ConfigError where a logger cannot start.
        """
        self._elsewhere.start(config_text, hyperparameters, step=0, changed=False)
        self._open_events(config_text, hyperparameters, step=0, described=False)
        self._laid_out = False

    def state(self) -> dict[str, Any]:
        """The log's part of a checkpoint: what resuming needs, and counts and a checksum by which damage is found.

        Returns:
            since_log: rows {tag: number} since the last regular point; at the run's end an irregular one has them too.
            noise_scales: {objective: [number, number]}, running averages.
            waiting: the last iteration's row while its evaluation is pending, else None.
            columns: tags of metrics.csv in order; None before the first row.
            logged: {kind of event: number written, `checksum`: CRC-32 of metrics.csv}.
        """
        return {
            "since_log": self._since_point,
            "noise_scales": self._noise_scales.averages,
            "waiting": self.waiting,
            "columns": self._metrics.columns,
            "logged": {**self._counts, "checksum": self._metrics.checksum},
        }

    def go_on(
        self,
        meta: Mapping[str, Any],
        config_text: str,
        hyperparameters: Mapping[str, Any],
        *,
        evaluation_due: bool,
        extends: bool = False,
    ) -> Repaired:
        """Drops log entries after a checkpoint, repairs damage before it, and opens another event file.

        Args:
            meta: of the checkpoint.
            evaluation_due: whether an evaluation is due at its step.
            extends: whether the run ended there and gets longer: config and hyperparameters are then written anew.
        Returns: the repaired log, with sentences on what was rebuilt or lost.
        Raises: OSError where a file cannot be written; ConfigError where a logger cannot start.
        """
        found = repair(
            self._folder,
            self._metrics,
            meta,
            self._rates,
            combine=_together,
            evaluation_due=evaluation_due,
            extends=extends,
        )
        self.waiting, self._since_point, self._counts = found.waiting, list(found.since_point), found.counts
        self._noise_scales = NoiseScales(meta["noise_scales"])
        self._elsewhere.start(config_text, hyperparameters, step=meta["steps"], changed=extends)
        self._open_events(
            config_text, hyperparameters, step=meta["steps"], described="config" in found.tags and not extends
        )
        self._laid_out = LAYOUT in found.tags
        return found

    def change_to(self, config_text: str, legend: Legend | None, step: int) -> None:
        """Logs the config that holds from an environment step on, and takes its legend for the Gramians."""
        self._legend = legend
        if self._writer is not None:
            self._writer.config(config_text, step)

    def iterations(self, stretch: Stretch, *, wall_seconds: float, last: bool, evaluation_due: bool) -> None:
        """Logs every iteration of a stretch.

        Args:
            wall_seconds: since the run began, excluding interruptions.
            last: whether the run ends here, so that the iterations since the last point make a point of their own.
            evaluation_due: whether the last iteration is evaluated; its row and its point then wait for `evaluated`.
        Raises: OSError where metrics.csv cannot be written.
        """
        count, steps = stretch.num_iterations, self._steps_of(stretch)
        found = stretch.chunk.findings
        columns = {**stretch.chunk.metrics, **found, **self._noise_scales.columns(found)}
        del columns["bad_update"]
        columns |= {
            "time/steps_per_second": np.full(count, count * self._rates.steps_per_iteration / stretch.seconds),
            "time/wall_seconds": np.full(count, wall_seconds),
            "evaluation/return": np.full(count, np.nan),
            "evaluation/std": np.full(count, np.nan),
        }
        written = count - evaluation_due
        self._metrics.append(steps[:written], columns)
        if self._writer is not None and not self._laid_out:
            self._writer.layout(columns)
            self._laid_out = True
        for row, gramian in stretch.chunk.gramians.items() if self._writer is not None else ():
            self._writer.gramian(gramian, self._legend, steps[row])
            self._counts["gramians"] += 1
        for row, step in enumerate(steps):
            numbers = {tag: float(column[row]) for tag, column in columns.items()}
            if row < written:
                self._add_to_point(numbers, step, last=last and row == count - 1)
            else:
                self.waiting = numbers

    def evaluated(self, evaluation: Evaluation, step: int, *, last: bool) -> None:
        """Writes the row that waited for its evaluation, and the point in TensorBoard if it is due.

        Args:
            step: environment steps at the end of the row's iteration.
            last: whether the run ends here; see `iterations`.
        Raises: OSError where metrics.csv cannot be written.
        """
        returns = {"evaluation/return": evaluation.returns.mean(), "evaluation/std": evaluation.returns.std()}
        row, self.waiting = {**self.waiting, **returns}, None
        self._csv.write(step, row)
        self._add_to_point(row, step, last=last)

    def histograms(self, arrays: Mapping[str, np.ndarray], step: int) -> None:
        """Writes histograms of the current weights and the newest raw rows; arrays: {tag: array}."""
        if self._writer is None:
            return
        self._writer.histograms({tag: np.asarray(array) for tag, array in arrays.items()}, step)
        self._counts["histograms"] += 1

    def sync(self) -> None:
        """Flushes both files to disk. Raises: StorageError where the files there are not what was written."""
        self._metrics.sync()
        if self._writer is not None:
            self._writer.sync()

    def end(self, summary: Mapping[str, Any]) -> None:
        """Ends the session of all loggers that have started; one that was interrupted may go on until `close`.

        summary: the content of summary.json.
        """
        self._summary = summary
        if self._writer is not None:
            self._events.finish(summary)
        if summary["status"] != "interrupted":
            self._elsewhere.finish(summary)

    @property
    def lost(self) -> list[str]:
        """Sentences on loggers elsewhere that failed."""
        return self._elsewhere.lost

    def close(self) -> None:
        """Closes the event file, if there is one, and ends the sessions of loggers elsewhere."""
        if self._summary is not None:
            self._elsewhere.finish(self._summary)
        if self._writer is not None:
            self._writer.close()

    @property
    def _writer(self) -> Writer | None:
        """The writer of the newest event file; None before the run begins, and without TensorBoard."""
        return self._events.writer if self._events is not None else None

    def _open_events(self, config_text: str, hyperparameters: Mapping[str, Any], *, step: int, described: bool) -> None:
        """Opens an event file, if there is a `TensorBoard`; described: whether an earlier one has the config."""
        if self._events is not None:
            session = Session(self._folder, self._folder, "", hyperparameters, config_text, step, described)
            self._events.start(session)

    def _add_to_point(self, row: dict[str, float], step: int, *, last: bool) -> None:
        """Adds a row to the next point in TensorBoard, and writes the point if it is due.

        The rows of a point that only the end of the run made due are kept: after an extension they are part of another.
        """
        self._since_point.append(row)
        regular = step // self._rates.steps_per_iteration % self._rates.points_every == 0
        if last or regular:
            point = _together(self._since_point)
            if self._writer is not None:
                self._events.write(step, point)
                self._counts["scalars"] += 1
            self._elsewhere.write(step, point)
            if regular or step != self._rates.total:
                self._since_point = []

    def _steps_of(self, stretch: Stretch) -> list[int]:
        """Environment steps at the ends of the stretch's iterations."""
        first = stretch.first_iteration + 1
        return [(first + row) * self._rates.steps_per_iteration for row in range(stretch.num_iterations)]


def _together(rows: list[dict[str, float]]) -> dict[str, float]:
    """Combines several iterations into one point, each tag by its own reduction."""
    return combine(rows, reduction)
