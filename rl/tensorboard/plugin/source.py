"""Gramians and returns from TensorBoard's data provider.

Only TensorBoard reads event files, with its Rust loader (the default) or its Python loader; the provider returns the
same data for both. Tags and runs come in no defined order, and tensors as NumPy arrays of any shape.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tensorboard.data.provider import DataProvider, RunTagFilter

from rl.tensorboard.gramians import MAX_MOMENTS, PLUGIN, TAG, Legend, read_legend

_CACHED_BYTES = 1 << 30
"""Limit on the size of the cached Gramians."""
_MAX_NUMBERS = 1 << 26
"""Limit on the entries of one run's Gramians (512 MiB); beyond it only every second, third, … moment is kept."""
_MAX_STEP = 2**53
"""Limit on a step: a browser's numbers cannot represent all larger integers."""

AGAINST_STEP = "−applied"
"""The name of the negated applied step, −Δw, among the rows."""
RETURNS = ("episode/return", "evaluation/return")
"""Tags of the scalars that the Overview draws next to the rows."""


class Listing(NamedTuple):
    """A run that has Gramians. The last two fields change whenever it gains a moment."""

    legend: Legend | None
    """None if the metadata is not a legend."""
    problem: str | None
    """Why the run cannot be drawn; None if it can."""
    max_step: int
    """Environment step of the newest moment."""
    max_wall_time: float
    """Wall time of the newest moment."""


class Series(NamedTuple):
    """The Gramians of a run over time.

    The applied step is negated and named `AGAINST_STEP`, so that a step that lowers a loss has a positive cosine with
    its row.
    """

    legend: Legend
    """The meaning of the axes L and R."""
    steps: np.ndarray
    """[T] int, ascending."""
    gramians: np.ndarray
    """[T, L, R, R] float64."""
    left_out: int
    """Number of moments that do not have the legend's shape, or whose step is outside 0 to 2⁵³."""
    broken: int
    """Number of moments with non-finite entries."""


class Curve(NamedTuple):
    """A scalar of a run over time: steps [T] int, ascending and unique; values [T] float64, finite."""

    steps: np.ndarray
    values: np.ndarray


class Source:
    """Reads runs through the data provider, and caches each until it gains a moment; thread-safe.

    All methods take TensorBoard's request context and the experiment's id.
    """

    def __init__(self, provider: DataProvider):
        self._provider = provider
        self._kept: OrderedDict[tuple[str, str], tuple[tuple, Series]] = OrderedDict()
        self._lock = threading.Lock()

    def runs(self, context, experiment: str) -> dict[str, Listing]:
        """{run: listing} of all runs with Gramians, sorted by name."""
        found = self._provider.list_tensors(context, experiment_id=experiment, plugin_name=PLUGIN)
        listings = {}
        for run in sorted(found):
            if TAG not in found[run]:
                continue
            series, legend, problem = found[run][TAG], None, None
            try:
                legend = _with_negated_step(read_legend(series.plugin_content))
                if not legend.layers:
                    problem = "its network shares no weights, so there are no rows to compare (network.shared=false)"
            except ValueError as error:
                problem = str(error)
            listings[run] = Listing(legend, problem, series.max_step, series.max_wall_time)
        return listings

    def series(self, context, experiment: str, runs: Sequence[str], listings: dict[str, Listing]) -> dict[str, Series]:
        """{run: series} of the given runs; runs that cannot be drawn or decoded are left out.

        Args:
            listings: as returned by `runs`.
        """
        fresh = {run: listings[run][2:] for run in runs if listings[run].problem is None}
        with self._lock:
            for run in fresh:
                if (experiment, run) in self._kept:
                    self._kept.move_to_end((experiment, run))
            known = {run: self._kept.get((experiment, run), (None, None)) for run in fresh}
        have = {run: series for run, (version, series) in known.items() if version == fresh[run]}
        missing = [run for run in fresh if run not in have]
        read = self._tensors(context, experiment, missing)
        for run in read:
            have[run] = _series(listings[run].legend, read[run])
            self._keep((experiment, run), fresh[run], have[run])
        return {run: have[run] for run in fresh if run in have}

    def returns(self, context, experiment: str, runs: Sequence[str]) -> dict[str, dict[str, Curve]]:
        """{run: {tag: curve}} of the `RETURNS` that the runs have; non-finite values are left out."""
        read = self._provider.read_scalars(
            context,
            experiment_id=experiment,
            plugin_name="scalars",
            downsample=MAX_MOMENTS,
            run_tag_filter=RunTagFilter(runs=runs, tags=RETURNS),
        )
        found = {}
        for run in runs:
            tags = read.get(run, {})
            curves = {tag: _curve(tags[tag]) for tag in RETURNS if tag in tags}
            found[run] = {tag: curve for tag, curve in curves.items() if len(curve.steps)}
        return found

    def _tensors(self, context, experiment: str, runs: Sequence[str]) -> dict[str, Sequence]:
        """{run: TensorBoard's data}, without runs whose tensors do not decode.

        One such tensor fails the provider's whole answer; each run is then requested separately.
        """
        if not runs:
            return {}
        try:
            read = self._provider.read_tensors(
                context,
                experiment_id=experiment,
                plugin_name=PLUGIN,
                downsample=MAX_MOMENTS,
                run_tag_filter=RunTagFilter(runs=runs, tags=[TAG]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, MemoryError):
            if len(runs) == 1:
                return {}
            return {key: data for run in runs for key, data in self._tensors(context, experiment, [run]).items()}
        return {run: read.get(run, {}).get(TAG, []) for run in runs}

    def _keep(self, key: tuple[str, str], version: tuple, series: Series) -> None:
        """Caches a series, and evicts the least recently used ones beyond `_CACHED_BYTES`."""
        with self._lock:
            self._kept[key] = version, series
            while len(self._kept) > 1 and sum(kept.gramians.nbytes for _, kept in self._kept.values()) > _CACHED_BYTES:
                self._kept.popitem(last=False)


def _series(legend: Legend, data: Sequence) -> Series:
    """The moments that fit the legend, sorted by step, with the applied step negated."""
    shape = (len(legend.layers), len(legend.rows), len(legend.rows))
    fitting = [
        (datum.step, datum.numpy)
        for datum in data
        if datum.numpy.shape == shape and datum.numpy.dtype.kind in "fiu" and 0 <= datum.step <= _MAX_STEP
    ]
    every = -(-len(fitting) * shape[0] * shape[1] * shape[2] // _MAX_NUMBERS) or 1
    fitting.sort(key=lambda moment: moment[0])
    kept = fitting[(len(fitting) - 1) % every :: every]  # always includes the newest one
    steps = np.array([step for step, _ in kept], np.int64)
    gramians = np.array([array for _, array in kept], np.float64).reshape(-1, *shape)
    broken = int((~np.isfinite(gramians)).any((1, 2, 3)).sum())
    sign = np.array([-1.0 if row.split("/")[0] == AGAINST_STEP else 1.0 for row in legend.rows])
    return Series(legend, steps, gramians * np.outer(sign, sign), len(data) - len(fitting), broken)


def _curve(data: Sequence[Any]) -> Curve:
    """The valid points, sorted by step; of several points at one step, the one with the largest value."""
    kept = sorted((x.step, x.value) for x in data if 0 <= x.step <= _MAX_STEP and np.isfinite(x.value))
    numbers: Mapping = dict(kept)
    return Curve(np.array(list(numbers), np.int64), np.array(list(numbers.values()), np.float64))


def _with_negated_step(legend: Legend) -> Legend:
    """The legend with a minus before `applied` and before `applied/…`, the steps of further updates.

    Raises: ValueError if two rows would have the same name.
    """
    names = tuple(f"−{row}" if row.split("/")[0] == "applied" else row for row in legend.extra_rows)
    if len({*legend.objectives, *names}) < len(legend.rows):
        raise ValueError(f"its metadata is not a legend of Gramians: two rows are called {AGAINST_STEP}")
    return legend._replace(extra_rows=names)
