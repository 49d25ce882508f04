"""Honest statistics over seeds: intervals by rliable (Agarwal et al. 2021, arXiv:2108.13264), the same every time."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from rl.reports.groups import Group
from rl.tags import reduction

REPETITIONS = 2_000
FEWEST_SEEDS = 5
"""With fewer there is no interval: a bootstrap's would be too narrow to be believed."""


class Estimate(NamedTuple):
    """A number with its 95 % stratified bootstrap interval, NaN where there are too few seeds for one."""

    value: float
    low: float
    high: float


def estimate(scores: np.ndarray, function: Callable[[np.ndarray], float]) -> Estimate:
    """A statistic of scores [seeds, tasks]."""
    if len(scores) < FEWEST_SEEDS:
        return Estimate(function(scores), math.nan, math.nan)
    values, found = intervals({"x": scores}, lambda x: np.array([function(x)]))
    return Estimate(float(values["x"][0]), *(float(end[0]) for end in found["x"]))


def mean(scores: np.ndarray) -> float:
    """Over seeds, then over tasks."""
    from rliable import metrics

    return float(metrics.aggregate_mean(scores))


def iqm(scores: np.ndarray) -> float:
    """The interquartile mean over seeds and tasks: a quarter is cut off at either end."""
    from rliable import metrics

    return float(metrics.aggregate_iqm(scores))


def optimality_gap(scores: np.ndarray) -> float:
    """How far below 1 the scores are on average, where those above 1 count as 1."""
    from rliable import metrics

    return float(metrics.aggregate_optimality_gap(scores, 1.0))


def curves(group: Group, tag: str, *, num_points: int = 25, median: bool = False) -> dict[str, np.ndarray]:
    """A tag over environment steps: {step, mean, mean_low, mean_high, iqm, iqm_low, iqm_high}, each [P].

    A point is a 25th of the training, drawn in its middle, and puts a run's iterations there together as the tag asks
    for (rl/tags.py), or takes their median; a window of returns in which no episode ended takes the newest before it.
    The mean or the interquartile mean of that is taken over seeds. There is a point where every seed has a number.
    """
    runs = [run for run in group.runs if np.isfinite(run.columns.get(tag, np.array([np.nan]))).any()]
    if not runs:
        return {}
    edges = np.linspace(0, min(run.steps[-1] for run in runs), num_points + 1)
    frames = np.array([_windows(run.columns, tag, edges, median) for run in runs])
    known = np.isfinite(frames).all(0)
    if not known.any():
        return {}
    frames, found = frames[:, None, known], {"step": ((edges[1:] + edges[:-1]) / 2)[known]}
    for name, per_point in (("mean", _means), ("iqm", _iqms)):
        low = high = np.full(known.sum(), np.nan)
        if len(runs) >= FEWEST_SEEDS:
            low, high = intervals({"x": frames}, per_point)[1]["x"]
        found |= {name: per_point(frames), f"{name}_low": low, f"{name}_high": high}
    return found


def _windows(columns: Mapping[str, np.ndarray], tag: str, edges: np.ndarray, median: bool) -> np.ndarray:
    """[P] of one run."""
    found = np.full(len(edges) - 1, np.nan)
    for place, (low, high) in enumerate(itertools.pairwise(edges)):
        within = (columns["step"] > low) & (columns["step"] <= high)
        if median:
            values = columns[tag][within]
            found[place] = np.nanmedian(values) if np.isfinite(values).any() else np.nan
            continue
        how = reduction(tag)
        weights = columns[how.weight][within] if how.weight in columns else None
        found[place] = how.combine(columns[tag][within], weights)
        if np.isnan(found[place]) and tag == "episode/return" and place:
            found[place] = found[place - 1]
    return found


def profiles(scores: Mapping[str, np.ndarray], thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """{group: [3, thresholds]}: the share of runs above each threshold, and its interval, NaN with few seeds."""

    def shares(x: np.ndarray) -> np.ndarray:
        return (x[..., None] > thresholds).mean((0, 1))

    found = {}
    for name, values in scores.items():
        low = high = np.full(len(thresholds), np.nan)
        if len(values) >= FEWEST_SEEDS:
            low, high = intervals({"x": values}, shares)[1]["x"]
        found[name] = np.stack([shares(values), low, high])
    return found


def _means(frames: np.ndarray) -> np.ndarray:
    """[seeds, 1, P] → [P], as `mean` of every point."""
    return frames.mean((0, 1))


def _iqms(frames: np.ndarray) -> np.ndarray:
    """[seeds, 1, P] → [P], as `iqm` of every point."""
    cut = len(frames) // 4
    return np.sort(frames[:, 0], 0)[cut : len(frames) - cut].mean(0)


def intervals(scores: Mapping[str, np.ndarray | Sequence[np.ndarray]], function: Callable):
    """rliable's (values, intervals) of a function of each score [seeds, tasks], 95 %, the same every time."""
    from rliable import library

    with warnings.catch_warnings(), _seeded():
        warnings.simplefilter("ignore", FutureWarning)  # of how rliable hands its random state on
        return library.get_interval_estimates(dict(scores), function, reps=REPETITIONS)


@contextmanager
def _seeded() -> Iterator[None]:
    """rliable 1.2 resamples by NumPy's global generator, whatever random state it is given."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
