"""Honest statistics over seeds: intervals by rliable (Agarwal et al. 2021, arXiv:2108.13264), the same every time."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from reporting.groups import Group

REPETITIONS = 2_000
FEWEST_SEEDS = 5
"""With fewer there is no interval: a bootstrap's would be too narrow to be believed."""
FALSE_DISCOVERIES = 0.05
"""Of the differences that are called supported, the share that chance may be expected to have made."""


class Estimate(NamedTuple):
    """A number with its 95 % stratified bootstrap interval, NaN where there are too few seeds for one."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """The probability that a run of one setting beats one of another, and whether a difference is supported.

    p_value: of the Mann-Whitney test, corrected for the number of comparisons (Benjamini & Hochberg 1995).
    """

    better: str
    worse: str
    probability: Estimate
    p_value: float
    supported: bool
    why_not: str


def estimate(scores: np.ndarray, function: Callable[[np.ndarray], float]) -> Estimate:
    """A statistic of scores [seeds, tasks]."""
    if len(scores) < FEWEST_SEEDS:
        return Estimate(function(scores), math.nan, math.nan)
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


def curves(
    group: Group, tag: str, *, num_points: int = 25, within: Callable[[np.ndarray], float] = np.nanmean
) -> dict[str, np.ndarray]:
    """A tag over environment steps: {step, mean, mean_low, mean_high, iqm, iqm_low, iqm_high}, each [P].

    A point stands for a 25th of the training, in its middle, and is what `within` makes of a run's iterations there;
    the mean or the interquartile mean of that is taken over seeds. There is a point where every seed has a number.
    """
    runs = [run for run in group.runs if np.isfinite(run.columns.get(tag, np.array([np.nan]))).any()]
    if not runs:
        return {}
    edges = np.linspace(0, min(run.steps[-1] for run in runs), num_points + 1)
    frames = np.array([[_within(run, tag, *pair, within) for pair in itertools.pairwise(edges)] for run in runs])
    known = np.isfinite(frames).all(0)
    if not known.any():
        return {}
    frames, found = frames[:, None, known], {"step": ((edges[1:] + edges[:-1]) / 2)[known]}
    for name, per_point in (("mean", _means), ("iqm", _iqms)):
        low = high = np.full(known.sum(), np.nan)
        if len(runs) >= FEWEST_SEEDS:
            _, intervals = _intervals({"x": frames}, per_point)
            low, high = intervals["x"]
        found |= {name: per_point(frames), f"{name}_low": low, f"{name}_high": high}
    return found


def profiles(scores: Mapping[str, np.ndarray], thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """{group: [3, thresholds]}: the share of runs above each threshold, and its interval, NaN with few seeds."""

    def shares(x: np.ndarray) -> np.ndarray:
        return (x[..., None] > thresholds).mean((0, 1))

    found = {}
    for name, values in scores.items():
        low = high = np.full(len(thresholds), np.nan)
        if len(values) >= FEWEST_SEEDS:
            low, high = _intervals({"x": values}, shares)[1]["x"]
        found[name] = np.stack([shares(values), low, high])
    return found


def comparisons(scores: Mapping[str, np.ndarray], lost: Mapping[str, int] | None = None) -> list[Comparison]:
    """Every pair once, the one that is more likely to win first.

    A difference is supported where both have enough seeds and have lost no run, the interval of the probability leaves
    out ½, and the Mann-Whitney test, corrected for the number of pairs, agrees.

    Args:
        scores: {setting: [seeds, tasks]}.
        lost: {setting: runs that ended without a score}.
    """
    from scipy.stats import false_discovery_control

    pairs = list(itertools.combinations(scores, 2))
    tested = [pair for pair in pairs if min(len(scores[name]) for name in pair) >= FEWEST_SEEDS]
    p_values = dict.fromkeys(pairs, math.nan)
    if tested:
        raw = [_p_value(scores[one], scores[other]) for one, other in tested]
        p_values |= dict(zip(tested, map(float, false_discovery_control(raw)), strict=True))
    return [_comparison(pair, scores, p_values[pair], len(tested), lost or {}) for pair in pairs]


def _comparison(
    pair: tuple[str, str],
    scores: Mapping[str, np.ndarray],
    p_value: float,
    num_tested: int,
    lost: Mapping[str, int],
) -> Comparison:
    one, other = pair
    seeds = min(len(scores[name]) for name in pair)
    value, low, high = _probability(scores[one], scores[other]), math.nan, math.nan
    if seeds >= FEWEST_SEEDS:
        both = [scores[one], scores[other]]
        _, intervals = _intervals({"x": both}, lambda x, y: np.array([_probability(x, y)]))
        low, high = (float(end[0]) for end in intervals["x"])
    better, worse = one, other
    if value < 0.5:
        better, worse, value, low, high = other, one, 1 - value, 1 - high, 1 - low
    without = [f"{lost[name]} of the runs of {name} ended without a score" for name in pair if lost.get(name)]
    why_not = ""
    if seeds < FEWEST_SEEDS:
        why_not = f"{seeds} seeds are too few" if seeds > 1 else "1 seed is too few"
    elif without:
        why_not = " and ".join(without)
    elif low <= 0.5:
        why_not = "the interval holds ½"
    elif p_value > FALSE_DISCOVERIES:
        why_not = f"p = {p_value:.2g} once corrected for {num_tested} comparisons"
    return Comparison(better, worse, Estimate(value, low, high), p_value, not why_not, why_not)


def _p_value(x: np.ndarray, y: np.ndarray) -> float:
    """The two-sided Mann-Whitney test of scores [seeds, tasks]; of several tasks, of the sum of their statistics."""
    from scipy.stats import mannwhitneyu, norm, rankdata

    if np.ptp(np.concatenate([x, y])) == 0:
        return 1.0
    if x.shape[1] == 1:
        return float(mannwhitneyu(x[:, 0], y[:, 0]).pvalue)
    n, m = len(x), len(y)
    total, variance = 0.0, 0.0
    for task in range(x.shape[1]):
        every = np.concatenate([x[:, task], y[:, task]])
        total += rankdata(every)[:n].sum() - n * (n + m + 1) / 2
        ties = np.unique(every, return_counts=True)[1]
        variance += n * m / 12 * (n + m + 1 - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float(2 * norm.sf(abs(total) / math.sqrt(variance))) if variance > 0 else 1.0


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


def _within(run, tag: str, low: float, high: float, function: Callable[[np.ndarray], float]) -> float:
    values = run.columns[tag][(run.steps > low) & (run.steps <= high)]
    return float(function(values)) if np.isfinite(values).any() else float("nan")
