"""Gramians as TensorBoard's data provider has them, whichever loader is behind it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tensorboard.data.provider import DataProvider, RunTagFilter

from rl.tensorboard.gramians import MOST_MOMENTS, PLUGIN, TAG, Legend, read_legend

_CACHED_BYTES = 1 << 30

AGAINST_STEP = "−applied"


class Listing(NamedTuple):
    """A run that has Gramians; problem says why it cannot be drawn, where it cannot."""

    legend: Legend | None
    problem: str | None
    max_step: int
    max_wall_time: float


class Series(NamedTuple):
    """The Gramians of a run over time.

    steps [T] int; gramians [T, L, R, R] float64, with the applied step turned round, −Δw, so that it can be held
    against gradients, and called `AGAINST_STEP`; left_out: how many moments did not have the legend's shape; broken: in
    how many a number is not finite.
    """

    legend: Legend
    steps: np.ndarray
    gramians: np.ndarray
    left_out: int
    broken: int


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
        """{run: series} of those of the runs that can be drawn.

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
        if missing:
            read = self._provider.read_tensors(
                context,
                experiment_id=experiment,
                plugin_name=PLUGIN,
                downsample=MOST_MOMENTS,
                run_tag_filter=RunTagFilter(runs=missing, tags=[TAG]),
            )
            for run in missing:
                have[run] = _series(listings[run].legend, read.get(run, {}).get(TAG, []))
                self._keep((experiment, run), fresh[run], have[run])
        return {run: have[run] for run in fresh}

    def _keep(self, key: tuple[str, str], version: tuple, series: Series) -> None:
        with self._lock:
            self._kept[key] = version, series
            while len(self._kept) > 1 and sum(kept.gramians.nbytes for _, kept in self._kept.values()) > _CACHED_BYTES:
                self._kept.popitem(last=False)


def _series(legend: Legend, data: Sequence) -> Series:
    shape = (len(legend.layers), len(legend.rows), len(legend.rows))
    fitting = [
        (datum.step, datum.numpy) for datum in data if datum.numpy.shape == shape and datum.numpy.dtype.kind in "fiu"
    ]
    steps = np.array([step for step, _ in fitting], np.int64)
    gramians = np.array([array for _, array in fitting], np.float64).reshape(-1, *shape)
    order = np.argsort(steps, kind="stable")
    broken = int((~np.isfinite(gramians)).any((1, 2, 3)).sum())
    sign = np.array([-1.0 if row == AGAINST_STEP else 1.0 for row in legend.rows])
    return Series(legend, steps[order], gramians[order] * np.outer(sign, sign), len(data) - len(fitting), broken)


def _step_turned(legend: Legend) -> Legend:
    """The applied step by the name that it has once it is turned round."""
    names = tuple(AGAINST_STEP if row == "applied" else row for row in legend.extra_rows)
    return legend._replace(extra_rows=names)
