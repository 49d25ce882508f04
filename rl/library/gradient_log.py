"""Gradients of any framework in TensorBoard's Gradients tab: rows or Gramians in, an event file out. No TensorFlow."""

import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from rl.errors import ConfigError, require
from rl.library.gramian_scalars import gramian_scalars
from rl.library.numpy_gramians import checked_gramian, gramian_of_rows
from rl.tensorboard.event_file import EventFile, python_records
from rl.tensorboard.gramians import TAG, Legend, exceeded_limit
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
    ):
        """
        Args:
            folder: the run's directory, made if it is missing; its name is the run's name in TensorBoard. It may hold
                other event files, but none with Gramians.
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
        Raises: ConfigError for names or numbers that are not allowed, and for a folder that has Gramians already.
        """
        self.legend = _legend(objectives, layers, combiner, coefficients, groups, extra_rows)
        """The meaning of the Gramians' axes; sizes are 0 until they are known."""
        self._folder = _new_folder(folder)
        self._series: SeriesWriter | None = SeriesWriter(EventFile(self._folder, python_records))
        self._last = self._last_gramian = -1
        self._seen: dict[str, None] = {}
        self._is_laid_out = False

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
        found = self._gramian(step, rows, gramian)
        numbers = {} if found is None else gramian_scalars(found, self.legend)
        numbers |= self._scalars(losses, scalars, numbers)
        self._last, self._seen = step, self._seen | dict.fromkeys(numbers)
        if found is not None:
            self._last_gramian = step
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
        try:
            step = operator.index(step)
        except TypeError:
            raise ConfigError(f"step: {step!r} was given; a step is a whole number.") from None
        require(0 <= step <= _MAX_STEP, f"step: {step} was given; a step is in 0 to 2⁵³.")
        require(step >= self._last, f"step: {step} was given after {self._last}; steps do not go backwards.")
        return step

    def _gramian(self, step: int, rows: Mapping[str, Any] | None, gramian: Any) -> np.ndarray | None:
        """The moment's Gramian [L, R, R]; None if neither rows nor a Gramian are given. Learns the layers' sizes."""
        if rows is None and gramian is None:
            return None
        require(rows is None or gramian is None, "rows and gramian: both were given; a moment has one of them.")
        require(step > self._last_gramian, f"step: {step} has a Gramian already; a step has one.")
        legend = self.legend
        if rows is None:
            return checked_gramian(gramian, legend.rows, legend.layers)
        require(isinstance(rows, Mapping), f"rows: {type(rows).__name__} was given; rows are {{objective: arrays}}.")
        found, sizes = gramian_of_rows(rows, legend.rows, legend.layers)
        for layer, known, size in zip(legend.layers, legend.sizes, sizes, strict=True):
            require(known in (0, size), f"rows: layer {layer!r} has {size:,} numbers; it had {known:,} before.")
        self.legend = legend._replace(sizes=sizes)
        return found

    def _scalars(
        self, losses: Mapping[str, float] | None, scalars: Mapping[str, float] | None, taken: Mapping[str, Any]
    ) -> dict[str, float]:
        """{tag: number} of losses and scalars; ConfigError for unknown objectives, taken tags and what is no number."""
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


def _legend(
    objectives: Sequence[str],
    layers: Sequence[str] | Mapping[str, int],
    combiner: str | None,
    coefficients: Mapping[str, float] | None,
    groups: Mapping[str, Sequence[str]] | None,
    extra_rows: Sequence[str],
) -> Legend:
    """The legend of the constructor's arguments; see there."""
    for key, names in (("objectives", objectives), ("layers", layers), ("extra_rows", extra_rows)):
        _check_names(key, names)
    both = sorted({*objectives} & {*extra_rows})
    require(not both, f"extra_rows: {', '.join(both)} is an objective too; names of rows are unique.")
    sizes = tuple(layers.values()) if isinstance(layers, Mapping) else (0,) * len(layers)
    for size in sizes:
        require(isinstance(size, int) and size >= 0, f"layers: a layer has {size!r} weights; it is a whole number.")
    weights, kinds = dict(coefficients or {}), dict(groups or {name: [name] for name in objectives})
    for name, weight in weights.items():
        require(name in objectives, f"coefficients: {name!r} is no objective; they are {', '.join(objectives)}.")
        require(
            isinstance(weight, int | float) and np.isfinite(weight),
            f"coefficients: {weight!r} was given for {name!r}; a coefficient is a finite number.",
        )
    members = [name for names in kinds.values() for name in names]
    require(
        all(kinds.values()) and {*members} <= {*objectives} and len(members) == len({*members}),
        f"groups: {kinds} was given; each has at least one of {', '.join(objectives)}, and no objective is in two.",
    )
    require(combiner is None or isinstance(combiner, str), f"combiner: {combiner!r} was given; it is a name or None.")
    legend = Legend(
        layers=tuple(layers),
        sizes=sizes,
        objectives=tuple(objectives),
        extra_rows=tuple(extra_rows),
        coefficients=tuple(float(weights.get(name, 1.0)) for name in objectives),
        groups={group: tuple(names) for group, names in kinds.items()},
        combiner="sum" if combiner is None else combiner,
    )
    problem = exceeded_limit(legend)
    require(problem is None, f"objectives and layers: they are too many or too long to show: {problem}.")
    return legend


def _check_names(key: str, names: Any) -> None:
    """ConfigError unless these are unique names; of objectives and layers at least one."""
    is_list = not isinstance(names, str) and isinstance(names, Sequence | Mapping)
    require(is_list and all(isinstance(name, str) and name for name in names), f"{key}: {names!r} is no list of names.")
    require(len(names) == len({*names}), f"{key}: {', '.join(names)} was given; names are unique.")
    require(key == "extra_rows" or len(names) > 0, f"{key}: an empty list was given; at least one name is needed.")
    if key == "objectives":
        slashed = [name for name in names if "/" in name]
        require(not slashed, f"objectives: {', '.join(slashed)} has a slash, which separates the parts of a tag.")


def _new_folder(folder: str | Path) -> Path:
    """Makes the folder; ConfigError if it is a file or has Gramians, since TensorBoard would join both logs' lines."""
    path = Path(folder)
    require(path.is_dir() or not path.exists(), f"folder: {path} is a file; give a directory.")
    path.mkdir(parents=True, exist_ok=True)
    earlier = any(TAG.encode() in file.read_bytes() for file in path.glob("events.out.tfevents.*"))
    require(not earlier, f"folder: {path} has the gradient log of another run; give each run a folder of its own.")
    return path
