"""How a logged number is put together over iterations. TensorFlow is not needed."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reduction:
    """From the numbers x_k of K iterations to one, NaN meaning that an iteration has none.

    function: (x [n], w [n]) → [], of the n ≥ 1 iterations that have a number. weight: the tag of w, None for w = 1.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray], float]
    weight: str | None = None

    def combine(self, values: Sequence[float], weights: Sequence[float] | None = None) -> float:
        """The number of all iterations together, NaN where none has one.

        Args:
            values: [K]; weights: [K], of the tag `weight`. Where a weight is not known, all count the same.
        """
        values = np.asarray(values, np.float64)
        known = ~np.isnan(values)
        if not known.any():
            return float("nan")
        w = np.ones(known.sum()) if self.weight is None or weights is None else np.asarray(weights, np.float64)[known]
        return float(self.function(values[known], np.ones_like(w) if np.isnan(w).any() else w))

    def by(self, weight: str) -> "Reduction":
        """The same, weighted by another tag."""
        return Reduction(self.name, self.function, weight)


def _mean(x: np.ndarray, w: np.ndarray) -> float:
    """Σ w x / Σ w."""
    return float((w * x).sum() / w.sum()) if w.sum() > 0 else float("nan")


def _harmonic_mean(x: np.ndarray, w: np.ndarray) -> float:
    """Σ w / Σ (w / x): the rate of work w done at rates x. 0 where a rate is 0."""
    return float(w.sum() / (w / x).sum()) if (x > 0).all() else 0.0


MEAN = Reduction("mean", _mean)
MINIMUM = Reduction("minimum", lambda x, _: float(x.min()))
MAXIMUM = Reduction("maximum", lambda x, _: float(x.max()))
SUM = Reduction("sum", lambda x, _: float(x.sum()))
LAST = Reduction("last", lambda x, _: float(x[-1]))
RATE = Reduction("rate", _harmonic_mean)
"""Of a rate per second in iterations of the same number of steps: steps over seconds."""


def combine(rows: Sequence[Mapping[str, float]], reductions: Callable[[str], Reduction]) -> dict[str, float]:
    """{tag: number} of several iterations' {tag: number}; a tag that an iteration lacks was not measured there."""
    tags = dict.fromkeys(tag for row in rows for tag in row)
    columns = {tag: [row.get(tag, float("nan")) for row in rows] for tag in tags}
    return {tag: (how := reductions(tag)).combine(columns[tag], columns.get(how.weight)) for tag in tags}


def typical(values: np.ndarray | Sequence, axis: int | None = None) -> np.ndarray:
    """What a number typically is: the median, with its sign, of what is finite; NaN where nothing is."""
    array = np.asarray(values, float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(array), array, np.nan), axis)


def typical_of_runs(runs: Sequence[np.ndarray], axis: int | None = None) -> np.ndarray:
    """The same of several seeds: over the moments of each run, and then over runs.

    The tab's sentence, the report's tables and `inspect_gradients.py compare` all take this.
    """
    return typical([typical(values, axis) for values in runs], axis)


LAST_SHARE = 0.05
"""The share of the iterations, at the end of training, that `last_return` covers by default."""


def last_return(returns: np.ndarray, counts: np.ndarray | None = None, share: float = LAST_SHARE) -> float:
    """The mean return of the episodes that ended in the last part of the training, NaN where none ever did.

    Σ n_k R_k / Σ n_k over the last ⌊share · K⌋ iterations, at least one. Where no episode ended in them, the window
    begins with the newest iteration in which one did.

    Args:
        returns: mean returns R_k of the episodes that ended in each iteration, NaN where none did, [K] or, for several
            runs that count as one, [K, runs].
        counts: how many ended, n_k, in the same shape; None counts each iteration the same.
    """
    ended = np.flatnonzero((~np.isnan(returns)).any(axis=tuple(range(1, returns.ndim))))
    if not len(ended):
        return float("nan")
    start = min(len(returns) - max(1, int(len(returns) * share)), int(ended[-1]))
    weights = None if counts is None else counts[start:].ravel()
    return MEAN.by("episode/count").combine(returns[start:].ravel(), weights)
