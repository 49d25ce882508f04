"""What a run writes down as it goes: metrics.csv at full rate, TensorBoard every so often."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.reductions import combine
from rl.tags import reduction
from rl.tensorboard.event_files import drop_after
from rl.tensorboard.gramians import Legend
from rl.tensorboard.writer import Writer
from rl.training.evaluation import Evaluation
from rl.training.loop import Stretch
from rl.training.metrics_file import MetricsFile
from rl.training.noise_scales import NoiseScales


class RunLog:
    """Both files of one run.

    A point in TensorBoard puts the iterations since the one before together, each tag in its own way; see rl/tags.py.
    """

    def __init__(self, folder: Path, *, steps_per_iteration: int, points_every: int, legend: Legend | None = None):
        """
        Args:
            points_every: iterations from one point in TensorBoard to the next.
            legend: of the Gramians, which are written at every probed iteration.
        """
        self._folder, self.steps_per_iteration, self._points_every = folder, steps_per_iteration, points_every
        self._legend = legend
        self._metrics = MetricsFile(folder / "metrics.csv")
        self._writer: Writer | None = None
        self._laid_out = True
        self.since_point: list[dict[str, float]] = []
        """The iterations since the newest point, which a checkpoint keeps."""
        self.noise_scales = NoiseScales()
        """Likewise."""

    def begin(self, config_text: str, hyperparameters: Mapping[str, Any]) -> None:
        """The first event file of a run: config and hyperparameters are written, and the layout once the tags are
        known.
        """
        self._writer, self._laid_out = Writer(self._folder), False
        self._writer.begin(config_text, hyperparameters)

    def go_on(
        self, steps: int, since_point: list[dict[str, float]], averages: Mapping[str, tuple[float, float]]
    ) -> None:
        """Another event file of a run that is resumed at an environment step; what came after it is taken out."""
        drop_after(self._folder, steps)
        self._metrics.drop_after(steps)
        self.since_point, self.noise_scales = since_point, NoiseScales(averages)
        self._writer = Writer(self._folder)

    def iterations(self, stretch: Stretch, evaluation: Evaluation | None, *, wall_seconds: float, last: bool) -> None:
        """Every iteration of a stretch; the evaluation, if any, belongs to the last one.

        last: whether the run ends here, so that what there is makes a point in TensorBoard.
        """
        count, steps = stretch.num_iterations, self._steps_of(stretch)
        found = stretch.chunk.findings
        columns = {**stretch.chunk.metrics, **found, **self.noise_scales.columns(found)}
        del columns["bad_update"]
        evaluations = np.full((2, count), np.nan)
        if evaluation is not None:
            evaluations[:, -1] = evaluation.returns.mean(), evaluation.returns.std()
        columns |= {
            "time/steps_per_second": np.full(count, count * self.steps_per_iteration / stretch.seconds),
            "time/wall_seconds": np.full(count, wall_seconds),
            "evaluation/return": evaluations[0],
            "evaluation/std": evaluations[1],
        }
        self._metrics.append(steps, columns)
        if not self._laid_out:
            self._writer.layout(columns)
            self._laid_out = True
        for row, gramian in stretch.chunk.gramians.items():
            self._writer.gramian(gramian, self._legend, steps[row])
        for row, step in enumerate(steps):
            self.since_point.append({tag: float(column[row]) for tag, column in columns.items()})
            due = (stretch.first_iteration + row + 1) % self._points_every == 0
            if due or (last and row == count - 1):
                self._writer.scalars(combine(self.since_point, reduction), step)
                self.since_point = []

    def histograms(self, arrays: Mapping[str, np.ndarray], step: int) -> None:
        """Of the weights as they stand, and of the newest raw rows: {tag: array}."""
        self._writer.histograms({tag: np.asarray(array) for tag, array in arrays.items()}, step)

    def evaluation(self, evaluation: Evaluation, step: int) -> None:
        """The last evaluation of a run."""
        means = {"evaluation/return": evaluation.returns.mean(), "evaluation/std": evaluation.returns.std()}
        self._writer.scalars(means, step)

    def flush(self) -> None:
        """To the disk."""
        self._writer.flush()

    def end(self, status: str, step: int) -> None:
        """Marks the run as completed or failed in TensorBoard's HParams tab."""
        if self._writer is not None:
            self._writer.end(status, step)

    def close(self) -> None:
        """Ends the event file, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def _steps_of(self, stretch: Stretch) -> list[int]:
        first = stretch.first_iteration + 1
        return [(first + row) * self.steps_per_iteration for row in range(stretch.num_iterations)]
