"""Gramians and returns as TensorBoard's data provider has them, whichever loader is behind it."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tensorboard.data.provider import DataProvider, RunTagFilter

from rl.tensorboard.gramians import MOST_MOMENTS, PLUGIN, TAG, Legend, read_legend

_CACHED_BYTES = 1 << 30
_MOST_NUMBERS = 1 << 26
"""In the Gramians of one run, half a gigabyte; of a run with more, every second moment is kept, or every third, …"""
_MOST_STEP = 2**53
"""Greater whole numbers are not all numbers of a browser."""

AGAINST_STEP = "−applied"
RETURNS = ("episode/return", "evaluation/return")


class Listing(NamedTuple):
    """A run that has Gramians; problem says why it cannot be drawn, where it cannot."""

    legend: Legend | None
    problem: str | None
    max_step: int
    max_wall_time: float


class Series(NamedTuple):
    """The Gramians of a run over time.

    steps [T] int; gramians [T, L, R, R] float64, with the applied step negated, −Δw, so that it can be held
    against gradients, and called `AGAINST_STEP`; left_out: how many moments did not have the legend's shape, or a step
    from 0 to 2⁵³; broken: in how many a number is not finite.
    """

    legend: Legend
    steps: np.ndarray
    gramians: np.ndarray
    left_out: int
    broken: int


class Curve(NamedTuple):
    """A scalar of a run over time: steps [T] int, values [T] float64."""

    steps: np.ndarray
    values: np.ndarray


class Source:
    """Reads runs, and keeps what it has read until there is more."""

    def __init__(self, provider: DataProvider):
        self._provider = provider
        self._kept: OrderedDict[tuple[str, str], tuple[tuple, Series]] = OrderedDict()
        self._lock = threading.Lock()

    def runs(self, context, experiment: str) -> dict[str, Listing]:
        """{run: listing} of all runs with Gramians, by name."""
        found = self._provider.list_tensors(context, experiment_id=experiment, plugin_name=PLUGIN)
        listings = {}
        for run in sorted(found):
            if TAG not in found[run]:
                continue
            series, legend, problem = found[run][TAG], None, None
            try:
                legend = _step_turned(read_legend(series.plugin_content))
                if not legend.layers:
                    problem = "its network shares no weights, so there are no rows to compare (network.shared=false)"
            except ValueError as error:
                problem = str(error)
            listings[run] = Listing(legend, problem, series.max_step, series.max_wall_time)
        return listings

    def series(self, context, experiment: str, runs: Sequence[str], listings: dict[str, Listing]) -> dict[str, Series]:
        """{run: series} of those of the runs that can be drawn, and read.

        Args:
            listings: as `runs` gave them.
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
        """{run: {tag: curve}} of the `RETURNS` that the runs have; what is not finite is left out."""
        read = self._provider.read_scalars(
            context,
            experiment_id=experiment,
            plugin_name="scalars",
            downsample=MOST_MOMENTS,
            run_tag_filter=RunTagFilter(runs=runs, tags=RETURNS),
        )
        found = {}
        for run in runs:
            tags = read.get(run, {})
            curves = {tag: _curve(tags[tag]) for tag in RETURNS if tag in tags}
            found[run] = {tag: curve for tag, curve in curves.items() if len(curve.steps)}
        return found

    def _tensors(self, context, experiment: str, runs: Sequence[str]) -> dict[str, Sequence]:
        """{run: data}. A tensor that does not decode fails the whole question: then each run is asked for alone."""
        if not runs:
            return {}
        try:
            read = self._provider.read_tensors(
                context,
                experiment_id=experiment,
                plugin_name=PLUGIN,
                downsample=MOST_MOMENTS,
                run_tag_filter=RunTagFilter(runs=runs, tags=[TAG]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, MemoryError):
            if len(runs) == 1:
                return {}
            return {key: data for run in runs for key, data in self._tensors(context, experiment, [run]).items()}
        return {run: read.get(run, {}).get(TAG, []) for run in runs}

    def _keep(self, key: tuple[str, str], version: tuple, series: Series) -> None:
        with self._lock:
            self._kept[key] = version, series
            while len(self._kept) > 1 and sum(kept.gramians.nbytes for _, kept in self._kept.values()) > _CACHED_BYTES:
                self._kept.popitem(last=False)


def _series(legend: Legend, data: Sequence) -> Series:
    shape = (len(legend.layers), len(legend.rows), len(legend.rows))
    fitting = [
        (datum.step, datum.numpy)
        for datum in data
        if datum.numpy.shape == shape and datum.numpy.dtype.kind in "fiu" and 0 <= datum.step <= _MOST_STEP
    ]
    every = -(-len(fitting) * shape[0] * shape[1] * shape[2] // _MOST_NUMBERS) or 1
    fitting.sort(key=lambda moment: moment[0])
    kept = fitting[(len(fitting) - 1) % every :: every]  # the newest one among them
    steps = np.array([step for step, _ in kept], np.int64)
    gramians = np.array([array for _, array in kept], np.float64).reshape(-1, *shape)
    broken = int((~np.isfinite(gramians)).any((1, 2, 3)).sum())
    sign = np.array([-1.0 if row == AGAINST_STEP else 1.0 for row in legend.rows])
    return Series(legend, steps, gramians * np.outer(sign, sign), len(data) - len(fitting), broken)


def _curve(data: Sequence[Any]) -> Curve:
    kept = sorted((x.step, x.value) for x in data if 0 <= x.step <= _MOST_STEP and np.isfinite(x.value))
    numbers: Mapping = dict(kept)  # of a step that is there twice, one
    return Curve(np.array(list(numbers), np.int64), np.array(list(numbers.values()), np.float64))


def _step_turned(legend: Legend) -> Legend:
    """The applied step by the name that it has once it is negated."""
    names = tuple(AGAINST_STEP if row == "applied" else row for row in legend.extra_rows)
    if len({*legend.objectives, *names}) < len(legend.rows):
        raise ValueError(f"its metadata is not a legend of Gramians: two rows are called {AGAINST_STEP}")
    return legend._replace(extra_rows=names)
