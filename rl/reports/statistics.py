"""Statistics over seeds with rliable's intervals (Agarwal et al. 2021, arXiv:2108.13264), with fixed resamples.

Scores are [seeds, tasks] throughout; a task is an environment.
"""

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
"""Number of resamples of a bootstrap."""
FEWEST_SEEDS = 5
"""The minimum number of seeds for an interval: with fewer, the bootstrap's would be far too narrow."""
Curve = Mapping[str, np.ndarray]
"""{step, mean, mean_low, mean_high, iqm, iqm_low, iqm_high: [P]} of P points over training; empty without a point."""


class Estimate(NamedTuple):
    """A statistic and the ends of its 95 % stratified bootstrap interval, which are NaN with too few seeds."""

    value: float
    low: float
    high: float


def estimate(scores: np.ndarray, function: Callable[[np.ndarray], float]) -> Estimate:
    """A statistic of scores, with its interval if there are `FEWEST_SEEDS` seeds or more.

    Args:
        scores: [seeds, tasks], at least one seed.
        function: scores [seeds, tasks] → statistic, such as `mean` or `iqm`.
    """
    if len(scores) < FEWEST_SEEDS:
        return Estimate(function(scores), math.nan, math.nan)
    values, found = intervals({"x": scores}, lambda x: np.array([function(x)]))
    return Estimate(float(values["x"][0]), *(float(end[0]) for end in found["x"]))


def mean(scores: np.ndarray) -> float:
    """The mean over seeds and tasks; scores: [seeds, tasks]."""
    from rliable import metrics

    return float(metrics.aggregate_mean(scores))


def iqm(scores: np.ndarray) -> float:
    """The interquartile mean: over the middle half of all seeds and tasks together; scores: [seeds, tasks].

    Less sensitive to outliers than the mean, and statistically more efficient than the median (Agarwal et al. 2021).
    """
    from rliable import metrics

    return float(metrics.aggregate_iqm(scores))


def optimality_gap(scores: np.ndarray) -> float:
    """The mean of 1 − min(score, 1) over seeds and tasks, 0 where every run reaches 1; scores: [seeds, tasks]."""
    from rliable import metrics

    return float(metrics.aggregate_optimality_gap(scores, 1.0))


def curves(group: Group, tag: str, *, num_points: int = 25, median: bool = False) -> Curve:
    """A tag against environment steps: mean and interquartile mean over the seeds that logged it, with intervals.

    The steps of the shortest run are divided into windows of equal length, and there is a point in the middle of each
    window in which every seed has a number. That number combines the seed's iterations in the window. A window of
    returns in which no episode ended takes the number of the previous window.

    Args:
        num_points: the number of windows.
        median: whether a window's number is the median of its iterations instead of the tag's reduction (rl/tags.py).
    Returns: an empty curve where no seed logged the tag, or the seeds never have a number in the same window.
    """
    runs = [run for run in group.runs if np.isfinite(run.metrics.column(tag)).any()]
    if not runs:
        return {}
    edges = np.linspace(0, min(run.metrics.steps[-1] for run in runs), num_points + 1)
    frames = np.array([_windows(run.metrics.columns, tag, edges, median) for run in runs])
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
    """One run's numbers in the windows between the edges, [P]; NaN where it has none.

    columns: {tag: [K]} of metrics.csv; edges: [P + 1] environment steps, each window without its left edge.
    """
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
    """Performance profiles: the share of runs whose score is above each threshold.

    Args:
        scores: {setting: [seeds, tasks]}; thresholds: [T], in units of the score.
    Returns: {setting: [3, T]}, the share and the ends of its 95 % interval, NaN with fewer than `FEWEST_SEEDS` seeds.
    """

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
    """[seeds, 1, P] → [P], `mean` at each point."""
    return frames.mean((0, 1))


def _iqms(frames: np.ndarray) -> np.ndarray:
    """[seeds, 1, P] → [P], `iqm` at each point."""
    cut = len(frames) // 4
    return np.sort(frames[:, 0], 0)[cut : len(frames) - cut].mean(0)


def intervals(scores: Mapping[str, np.ndarray | Sequence[np.ndarray]], function: Callable):
    """Intervals by rliable's stratified bootstrap, with the same resamples every time.

    Args:
        scores: {name: [seeds, tasks]}, or {name: several such arrays}, whose seeds are then resampled independently.
        function: the arrays of one name → [n].
    Returns: ({name: [n]}, {name: [2, n]}), the values and the ends of their 95 % intervals.
    """
    from rliable import library

    with warnings.catch_warnings(), _seeded():
        warnings.simplefilter("ignore", FutureWarning)  # about the way in which rliable passes its random state
        return library.get_interval_estimates(dict(scores), function, reps=REPETITIONS)


@contextmanager
def _seeded() -> Iterator[None]:
    """Seeds NumPy's global generator within the context: rliable 1.2 resamples with it, whatever state it gets."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
