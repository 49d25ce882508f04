"""Reductions, which combine the values that several iterations log into one. They need no TensorFlow."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reduction:
    """A rule that combines the values x_k of K iterations into one; NaN means that an iteration has no value.

    name: `mean`, `sum`, …
    function: (x [n], w [n]) → [], for the n ≥ 1 iterations that have a value.
    weight: the tag whose values are the weights w; None for w = 1.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray], float]
    weight: str | None = None

    def combine(self, values: Sequence[float], weights: Sequence[float] | None = None) -> float:
        """The combined value; NaN if no iteration has one.

        Args:
            values: [K].
            weights: [K], the values of the tag `weight`. If one of them is NaN, all iterations have equal weight.
        """
        values = np.asarray(values, np.float64)
        known = ~np.isnan(values)
        if not known.any():
            return float("nan")
        w = np.ones(known.sum()) if self.weight is None or weights is None else np.asarray(weights, np.float64)[known]
        return float(self.function(values[known], np.ones_like(w) if np.isnan(w).any() else w))

    def by(self, weight: str) -> "Reduction":
        """The same reduction, weighted by the values of a tag."""
        return Reduction(self.name, self.function, weight)


def _mean(x: np.ndarray, w: np.ndarray) -> float:
    """Σ w x / Σ w; NaN if all weights are zero."""
    return float((w * x).sum() / w.sum()) if w.sum() > 0 else float("nan")


def _harmonic_mean(x: np.ndarray, w: np.ndarray) -> float:
    """Σ w / Σ (w / x): the mean rate of amounts of work w done at rates x; 0 if a rate is 0."""
    return float(w.sum() / (w / x).sum()) if (x > 0).all() else 0.0


MEAN = Reduction("mean", _mean)
MINIMUM = Reduction("minimum", lambda x, _: float(x.min()))
MAXIMUM = Reduction("maximum", lambda x, _: float(x.max()))
SUM = Reduction("sum", lambda x, _: float(x.sum()))
LAST = Reduction("last", lambda x, _: float(x[-1]))
RATE = Reduction("rate", _harmonic_mean)
"""The mean of a rate per second over iterations with equally many steps: total steps over total seconds."""


def combine(rows: Sequence[Mapping[str, float]], reductions: Callable[[str], Reduction]) -> dict[str, float]:
    """Combines the {tag: value} of several iterations into one.

    Args:
        rows: {tag: value} of each iteration; a tag that is missing was not measured in that iteration.
        reductions: returns the reduction of a tag.
    """
    tags = dict.fromkeys(tag for row in rows for tag in row)
    columns = {tag: [row.get(tag, float("nan")) for row in rows] for tag in tags}
    return {tag: (how := reductions(tag)).combine(columns[tag], columns.get(how.weight)) for tag in tags}


def typical(values: np.ndarray | Sequence, axis: int | None = None) -> np.ndarray:
    """The median of the finite values (signed), along an axis or of all; NaN where none is finite."""
    array = np.asarray(values, float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(array), array, np.nan), axis)


def typical_of_runs(runs: Sequence[np.ndarray], axis: int | None = None) -> np.ndarray:
    """The median over runs of each run's median over its moments.

    The Gradients tab, the report's tables and `inspect_gradients.py compare` all use it.

    Args:
        runs: the values of each run, [T, …]; T may differ between runs.
        axis: the axis of the moments; None takes the median of all values of a run.
    """
    return typical([typical(values, axis) for values in runs], axis)


LAST_SHARE = 0.05
"""The fraction of the iterations, at the end of training, that `last_return` covers by default."""


def last_return(returns: np.ndarray, counts: np.ndarray | None = None, share: float = LAST_SHARE) -> float:
    """The mean return of the episodes that ended in the last part of training; NaN if no episode ever ended.

    Σ n_k R_k / Σ n_k over the last ⌊share · K⌋ iterations, at least one. If no episode ended in them, the window begins
    at the newest iteration in which one did.

    Args:
        returns: R_k, mean return of the episodes that ended in each iteration, NaN where none did; [K], or [K, runs]
            for several runs that are averaged together.
        counts: n_k, number of episodes that ended, in the same shape; None gives all iterations equal weight.
        share: the fraction of the iterations in the window, in [0, 1].
    """
    ended = np.flatnonzero((~np.isnan(returns)).any(axis=tuple(range(1, returns.ndim))))
    if not len(ended):
        return float("nan")
    start = min(len(returns) - max(1, int(len(returns) * share)), int(ended[-1]))
    weights = None if counts is None else counts[start:].ravel()
    return MEAN.by("episode/count").combine(returns[start:].ravel(), weights)
