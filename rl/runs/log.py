"""What a run writes down as it goes: metrics.csv at full rate, TensorBoard every so often."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.instruments.noise_scales import NoiseScales
from rl.reductions import combine
from rl.runs.evaluation import Evaluation
from rl.runs.layout import METRICS
from rl.runs.log_repair import Rates, Repaired, repair
from rl.runs.loop import Stretch
from rl.runs.metrics_file import MetricsFile
from rl.tags import reduction
from rl.tensorboard.gramians import Legend
from rl.tensorboard.layout import TAG as LAYOUT
from rl.tensorboard.writer import Writer


class RunLog:
    """Both files of one run.

    A point in TensorBoard puts the iterations since the one before together, each tag in its own way; see rl/tags.py.
    """

    def __init__(self, folder: Path, rates: Rates, *, legend: Legend | None = None):
        """legend: of the Gramians, which are written at every probed iteration."""
        self._folder, self._rates, self._legend = folder, rates, legend
        self._metrics = MetricsFile(folder / METRICS)
        self._writer: Writer | None = None
        self._laid_out = True
        self._since_point: list[dict[str, float]] = []
        self.waiting: dict[str, float] | None = None
        """The row of an iteration whose evaluation is still to be made: it is written with it, or not yet."""
        self._noise_scales = NoiseScales()
        self._counts: Counter = Counter()

    def begin(self, config_text: str, hyperparameters: Mapping[str, Any]) -> None:
        """The first event file of a run: config and hyperparameters are written, and the layout once the tags are
        known.
        """
        self._writer, self._laid_out = Writer(self._folder), False
        self._writer.begin(config_text, hyperparameters)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of the log, to go on from there and to tell later whether all of it is there."""
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
    ) -> Repaired:
        """Drops what was logged after a checkpoint, mends what is damaged before it, and opens another event file.

        meta: the checkpoint's; evaluation_due: whether there is an evaluation at its step.
        """
        found = repair(self._folder, self._metrics, meta, self._rates, combine=_together, evaluation_due=evaluation_due)
        self.waiting, self._since_point, self._counts = found.waiting, list(found.since_point), found.counts
        self._noise_scales = NoiseScales(meta["noise_scales"])
        if "config" in found.tags:
            self._writer = Writer(self._folder)
        else:
            self.begin(config_text, hyperparameters)
        self._laid_out = LAYOUT in found.tags
        return found

    def iterations(self, stretch: Stretch, *, wall_seconds: float, last: bool, evaluation_due: bool) -> None:
        """Every iteration of a stretch.

        Args:
            last: whether the run ends here, so that what there is makes a point in TensorBoard.
            evaluation_due: whether the last iteration is evaluated; its row and its point then wait for `evaluated`.
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
        if not self._laid_out:
            self._writer.layout(columns)
            self._laid_out = True
        for row, gramian in stretch.chunk.gramians.items():
            self._writer.gramian(gramian, self._legend, steps[row])
            self._counts["gramians"] += 1
        for row, step in enumerate(steps):
            numbers = {tag: float(column[row]) for tag, column in columns.items()}
            if row < written:
                self._add_to_point(numbers, step, last=last and row == count - 1)
            else:
                self.waiting = numbers

    def evaluated(self, evaluation: Evaluation, step: int, *, last: bool) -> None:
        """The row that waited for its evaluation, and the point if it is due."""
        returns = {"evaluation/return": evaluation.returns.mean(), "evaluation/std": evaluation.returns.std()}
        row, self.waiting = {**self.waiting, **returns}, None
        self._metrics.append([step], {tag: [number] for tag, number in row.items()})
        self._add_to_point(row, step, last=last)

    def histograms(self, arrays: Mapping[str, np.ndarray], step: int) -> None:
        """Of the weights as they stand, and of the newest raw rows: {tag: array}."""
        self._writer.histograms({tag: np.asarray(array) for tag, array in arrays.items()}, step)
        self._counts["histograms"] += 1

    def sync(self) -> None:
        """To the disk; StorageError where the files there are not what was written."""
        self._metrics.sync()
        self._writer.sync()

    def end(self, status: str, step: int) -> None:
        """Marks the run as completed or failed in TensorBoard's HParams tab."""
        if self._writer is not None:
            self._writer.end(status, step)

    def close(self) -> None:
        """Ends the event file, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def _add_to_point(self, row: dict[str, float], step: int, *, last: bool) -> None:
        self._since_point.append(row)
        if last or step // self._rates.steps_per_iteration % self._rates.points_every == 0:
            self._writer.scalars(_together(self._since_point), step)
            self._counts["scalars"] += 1
            self._since_point = []

    def _steps_of(self, stretch: Stretch) -> list[int]:
        first = stretch.first_iteration + 1
        return [(first + row) * self._rates.steps_per_iteration for row in range(stretch.num_iterations)]


def _together(rows: list[dict[str, float]]) -> dict[str, float]:
    """Several iterations as one point, each tag in its own way."""
    return combine(rows, reduction)
