"""Gradients of any framework in TensorBoard's Gradients tab: rows or Gramians in, an event file out. No TensorFlow."""

import operator
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from rl.errors import ConfigError, require
from rl.library.gramian_scalars import gramian_scalars
from rl.library.log_legend import legend_of
from rl.library.numpy_gramians import checked_gramian, gramian_of_rows
from rl.library.resumed_log import Earlier, keep_until, logs_in
from rl.tensorboard.event_file import EventFile, python_records
from rl.tensorboard.gramians import Legend
from rl.tensorboard.series_writer import SeriesWriter

_MAX_STEP = 2**53
"""The largest step that the tab's browser represents exactly."""


class GradientLog:
    """Writes the event file of one run, as this package's own runs do, from NumPy arrays.

    A row is the gradient of one objective's raw loss, before its coefficient, with respect to the shared weights. The
    tab draws norms, cosines and conflict of the rows, and what every combiner would have done with them.

        with GradientLog("runs/mine", ["policy", "value"], ["dense_0", "dense_1"]) as log:
            log.write(step, rows={"policy": [g0, g1], "value": [h0, h1]}, scalars={"episode/return": 21.0})

    It imports neither TensorFlow nor Keras, PyTorch or JAX.
    """

    def __init__(
        self,
        folder: str | Path,
        objectives: Sequence[str],
        layers: Sequence[str] | Mapping[str, int],
        combiner: str | None = None,
        *,
        coefficients: Mapping[str, float] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        extra_rows: Sequence[str] = (),
        resume_from: int | None = None,
    ):
        """
        Args:
            folder: the run's directory, made if it is missing; its name is the run's name in TensorBoard. It may hold
                other event files, but Gramians only if the log goes on (`resume_from`).
            objectives: names of the m rows, in the order in which they are shown.
            layers: names of the L shared layers, or {name: number of weights}. Where only Gramians are written, the
                numbers are not known otherwise, and without them no null band is drawn.
            combiner: how the program combines the losses: an option of `combiner=`, which What if then marks as the
                run's own, or any other name. None means `sum`, gradient descent on the weighted sum of the losses.
            coefficients: {objective: its weight c_i in the total loss}; 1 for those left out.
            groups: {group: objectives}; What if gives one weight to each group's row Σ c_i g_i. By default every
                objective is a group.
            extra_rows: names of further vectors on the shared weights. `applied` is the step Δw = w_new − w_old; with
                it the tab shows which loss the step lowers.
            resume_from: the step at which the restored program stands. The folder's log goes on: what it has after that
                step is dropped, since it comes again. A folder without a log starts one.
        Raises: ConfigError for names or numbers that are not allowed, for a folder that has Gramians already, and with
            `resume_from` for a log of other rows, layers, coefficients, groups or another combiner.
        """
        self.legend = legend_of(objectives, layers, combiner, coefficients, groups, extra_rows)
        """The meaning of the Gramians' axes; sizes are 0 until they are known."""
        require(isinstance(folder, str | PathLike) and folder != "", f"folder: {folder!r} was given; it is a path.")
        earlier = _earlier(Path(folder), self.legend, resume_from)
        if earlier is not None:
            self.legend = self.legend._replace(sizes=tuple(map(max, self.legend.sizes, earlier.legend.sizes)))
        self._folder = Path(folder)
        self._series: SeriesWriter | None = SeriesWriter(EventFile(self._folder, python_records))
        self._last, self.last_gramian = (-1, -1) if earlier is None else (earlier.last, earlier.last_gramian)
        """Step of the newest Gramian; −1 before the first."""
        self._seen: dict[str, None] = {}
        self._is_laid_out = earlier is not None

    def write(
        self,
        step: int,
        rows: Mapping[str, Any] | None = None,
        *,
        gramian: Any = None,
        losses: Mapping[str, float] | None = None,
        scalars: Mapping[str, float] | None = None,
    ) -> None:
        """Writes one moment; rows and gramian may both be left out, but not both be given.

        Numbers that are not finite are written as they are: the tab counts such moments and leaves a gap.

        Args:
            step: environment steps or updates, at least that of the last call, and larger where both have Gramians.
            rows: {row: its gradients, one entry per layer, or {layer: entry}}, of all objectives and extra rows. An
                entry is an array of any shape that np.asarray takes, or a list or mapping of such (kernel and bias).
            gramian: the rows' inner products [L, R, R], [R, R] for one layer, or {layer: [R, R]}.
            losses: {objective: its loss}, logged as `objective/<name>`.
            scalars: {tag: number}; the tab shows `episode/return` and `evaluation/return` beside the rows. The charts
                of the Custom Scalars tab are those of the tags given until the first Gramian; NaN announces a tag.
        Raises: ConfigError, with one sentence, for anything else; nothing is then written.
        """
        require(self._series is not None, f"{self._folder}: this gradient log is closed.")
        step = self._checked_step(step)
        found, legend = self._gramian(step, rows, gramian)
        numbers = {} if found is None else gramian_scalars(found, legend)
        numbers |= self._scalars(losses, scalars, numbers)
        self.legend, self._last, self._seen = legend, step, self._seen | dict.fromkeys(numbers)
        if found is not None:
            self.last_gramian = step
            if not self._is_laid_out:
                self._series.layout(list(self._seen))
                self._is_laid_out = True
            self._series.gramian(found, self.legend, step)
        if numbers:
            self._series.scalars(numbers, step)

    def flush(self) -> None:
        """Hands everything written to the operating system; it is done once a second anyway while moments follow."""
        require(self._series is not None, f"{self._folder}: this gradient log is closed.")
        self._series.flush()

    def close(self) -> None:
        """Closes the event file; further calls do nothing."""
        if self._series is not None:
            self._series.close()
            self._series = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _checked_step(self, step: Any) -> int:
        """The step as an int; ConfigError if it is none, is out of range or goes backwards."""
        step = _whole(step, "step")
        require(step >= self._last, f"step: {step} was given after {self._last}; steps do not go backwards.")
        return step

    def _gramian(self, step: int, rows: Mapping[str, Any] | None, gramian: Any) -> tuple[np.ndarray | None, Legend]:
        """The moment's Gramian [L, R, R], None if neither rows nor a Gramian are given; the legend with known sizes."""
        if rows is None and gramian is None:
            return None, self.legend
        require(rows is None or gramian is None, "rows and gramian: both were given; a moment has one of them.")
        require(step > self.last_gramian, f"step: {step} has a Gramian already; a step has one.")
        legend = self.legend
        if rows is None:
            return checked_gramian(gramian, legend.rows, legend.layers), legend
        require(isinstance(rows, Mapping), f"rows: {type(rows).__name__} was given; rows are {{objective: arrays}}.")
        found, sizes = gramian_of_rows(rows, legend.rows, legend.layers)
        for layer, known, size in zip(legend.layers, legend.sizes, sizes, strict=True):
            require(known in (0, size), f"rows: layer {layer!r} has {size:,} numbers; it had {known:,} before.")
        return found, legend._replace(sizes=sizes)

    def _scalars(
        self, losses: Mapping[str, float] | None, scalars: Mapping[str, float] | None, taken: Mapping[str, Any]
    ) -> dict[str, float]:
        """{tag: number} of losses and scalars; ConfigError for unknown objectives, taken tags and what is no number."""
        for key, given in (("losses", losses), ("scalars", scalars)):
            require(given is None or isinstance(given, Mapping), f"{key}: {given!r:.80} was given; it is a mapping.")
        for name in losses or {}:
            known = ", ".join(self.legend.objectives)
            require(name in self.legend.objectives, f"losses: {name!r} is no objective of this log; they are {known}.")
        numbers = {f"objective/{name}": loss for name, loss in (losses or {}).items()} | dict(scalars or {})
        for tag in numbers:
            require(isinstance(tag, str) and tag != "", f"scalars: the tag {tag!r} was given; a tag is a string.")
            require(tag not in taken, f"scalars: {tag!r} is logged from the rows already; choose another tag.")
        return {tag: _number(number, tag) for tag, number in numbers.items()}


def _number(number: Any, tag: str) -> float:
    """A scalar of any framework as a float."""
    try:
        return float(number.item() if hasattr(number, "item") else number)
    except Exception:  # each framework has its own
        raise ConfigError(f"{tag}: {number!r:.80} was given; a scalar is one number.") from None


def _earlier(folder: Path, legend: Legend, resume_from: int | None) -> Earlier | None:
    """Makes the folder, and the log in it ready to go on; None if it has none.

    Raises: ConfigError if it is a file; if it has a log that is not to go on, since TensorBoard would join the lines of
        both; and if it has the log of this package's own training, which goes on by itself.
    """
    if resume_from is not None:
        resume_from = _whole(resume_from, "resume_from")
    require(folder.is_dir() or not folder.exists(), f"folder: {folder} is a file; give a directory.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"folder: {folder} cannot be made: {error.strerror or error}.") from None
    logs = logs_in(folder)
    if not logs:
        return None
    require(
        not (folder / ".hydra").exists(),
        f"folder: {folder} is a run of `tapestry train`, which resumes its own log; give another folder.",
    )
    require(
        resume_from is not None,
        f"folder: {folder} has the gradient log of another run; give each run a folder of its own, or the step at "
        "which a restored program goes on with its log (resume_from).",
    )
    return keep_until(logs, resume_from, legend)


def _whole(number: Any, key: str) -> int:
    """A step as an int; ConfigError if it is none or out of range."""
    try:
        number = operator.index(number)
    except TypeError:
        raise ConfigError(f"{key}: {number!r} was given; a step is a whole number.") from None
    require(0 <= number <= _MAX_STEP, f"{key}: {number} was given; a step is in 0 to 2⁵³.")
    return number
