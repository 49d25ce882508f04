"""Honest statistics over seeds, by rliable (Agarwal et al. 2021, arXiv:2108.13264), each with a seed of its own."""

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from reporting.groups import Group

REPETITIONS = 2_000
FEWEST_SEEDS = 5
"""With fewer a bootstrap interval is too narrow to be believed."""


class Estimate(NamedTuple):
    """A number with its 95 % stratified bootstrap interval."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """The probability that a run of one setting beats one of another; whether its interval supports a difference."""

    better: str
    worse: str
    probability: Estimate
    supported: bool
    why_not: str


def estimate(scores: np.ndarray, function: Callable[[np.ndarray], float]) -> Estimate:
    """A statistic of scores [seeds, tasks]."""
    values, intervals = _intervals({"x": scores}, lambda x: np.array([function(x)]))
    return Estimate(float(values["x"][0]), *(float(end[0]) for end in intervals["x"]))


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


def curves(group: Group, tag: str, num_points: int = 25) -> dict[str, np.ndarray]:
    """A tag over environment steps: {step, mean, mean_low, mean_high, iqm, iqm_low, iqm_high}, each [P].

    A point is the mean of a run's iterations since the one before; runs count as far as all of them go.
    """
    runs = [run for run in group.runs if np.isfinite(run.columns.get(tag, np.array([np.nan]))).any()]
    if not runs:
        return {}
    end = min(run.steps[-1] for run in runs)
    edges = np.linspace(0, end, num_points + 1)
    frames = np.array([[_mean_within(run, tag, *pair) for pair in itertools.pairwise(edges)] for run in runs])
    known = np.isfinite(frames).all(0)
    frames, found = frames[:, None, known], {"step": edges[1:][known]}
    for name, per_point in (("mean", _means), ("iqm", _iqms)):
        values, intervals = _intervals({"x": frames}, per_point)
        found |= {name: values["x"], f"{name}_low": intervals["x"][0], f"{name}_high": intervals["x"][1]}
    return found


def profiles(scores: Mapping[str, np.ndarray], thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """{group: [3, thresholds]}: the share of runs above each threshold, and its interval."""

    def shares(x: np.ndarray) -> np.ndarray:
        return (x[..., None] > thresholds).mean((0, 1))

    values, intervals = _intervals(scores, shares)
    return {name: np.stack([values[name], *intervals[name]]) for name in scores}


def comparisons(scores: Mapping[str, np.ndarray]) -> list[Comparison]:
    """Every pair once, the one that is more likely to win first; a difference is supported where the interval of its
    probability leaves out ½ and both have enough seeds.
    """
    names, found = list(scores), []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            pair = [scores[one], scores[other]]
            values, intervals = _intervals({"x": pair}, lambda x, y: np.array([_probability(x, y)]))
            value, low, high = float(values["x"][0]), float(intervals["x"][0][0]), float(intervals["x"][1][0])
            better, worse = one, other
            if value < 0.5:
                better, worse, value, low, high = other, one, 1 - value, 1 - high, 1 - low
            seeds = min(len(x) for x in pair)
            why_not = ""
            if seeds < FEWEST_SEEDS:
                why_not = f"{seeds} seeds are too few for an interval"
            elif low <= 0.5:
                why_not = "the interval holds ½"
            found.append(Comparison(better, worse, Estimate(value, low, high), not why_not, why_not))
    return found


def _means(frames: np.ndarray) -> np.ndarray:
    """[seeds, 1, P] → [P], as `mean` of every point."""
    return frames.mean((0, 1))


def _iqms(frames: np.ndarray) -> np.ndarray:
    """[seeds, 1, P] → [P], as `iqm` of every point."""
    cut = len(frames) // 4
    return np.sort(frames[:, 0], 0)[cut : len(frames) - cut].mean(0)


def _probability(x: np.ndarray, y: np.ndarray) -> float:
    """P(x > y) + ½ P(x = y) of scores [seeds, tasks]: rliable's probability of improvement, without its ranks."""
    x, y = x[:, None], y[None]
    return float((x > y).mean() + 0.5 * (x == y).mean())


def _intervals(scores: Mapping[str, np.ndarray | Sequence[np.ndarray]], function: Callable):
    from rliable import library

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of how rliable hands its random state on
        state = np.random.RandomState(0)
        return library.get_interval_estimates(dict(scores), function, reps=REPETITIONS, random_state=state)


def _mean_within(run, tag: str, low: float, high: float) -> float:
    values = run.columns[tag][(run.steps > low) & (run.steps <= high)]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
