"""No more points than a screen can show, and runs at other steps brought to the same ones."""

import warnings
from collections.abc import Sequence

import numpy as np


def thinned(steps: np.ndarray, values: np.ndarray, most: int, *, mean: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """At most so many points: the median, or the mean, of equally many neighbours each; what is NaN is left out.

    Args:
        steps: [T].
        values: [T, ...].
    Returns: (steps [B], the last of each bin; values [B, ...]).
    """
    count = len(steps)
    if count <= most:
        return steps, values
    width = -(-count // most)
    missing = -count % width
    padded = np.concatenate([values, np.full((missing, *values.shape[1:]), np.nan)])
    bins = padded.reshape(-1, width, *values.shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # bins that are NaN throughout stay NaN
        middle = np.nanmean(bins, 1) if mean else np.nanmedian(bins, 1)
    ends = np.minimum(np.arange(1, len(bins) + 1) * width, count) - 1
    return steps[ends], middle


def points_per_bin(count: int, most: int) -> int:
    """How many moments `thinned` puts into a point."""
    return max(1, -(-count // most))


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of the `width` neighbours around each value of [T], fewer at the ends; what is NaN is left out.

    NaN stays where the value itself is NaN. The width counts as the next odd number.
    """
    known, half = np.isfinite(values), width // 2
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, (sums[last] - sums[first]) / (counts[last] - counts[first]), np.nan)


def quartiles(curves: Sequence[tuple[np.ndarray, np.ndarray]], steps: np.ndarray) -> np.ndarray:
    """Lower quartile, median and upper quartile over curves (steps [T], values [T]), [3, S] at other steps [S].

    A curve is joined by straight lines between its own points, and counted where it has any; NaN where none has.
    """
    lines = [np.full(len(steps), np.nan)]
    for own, values in curves:
        known = np.isfinite(values)
        if known.any():
            lines.append(np.interp(steps, own[known], values[known], np.nan, np.nan))
    ordered = np.sort(lines, 0)  # NaN last; `np.nanquantile` goes from column to column, a hundred times as slowly
    last = np.maximum(np.isfinite(ordered).sum(0) - 1, 0)
    found = []
    for share in (0.25, 0.5, 0.75):
        below, above = (
            ordered[round_(share * last).astype(int), np.arange(len(steps))] for round_ in (np.floor, np.ceil)
        )
        found.append(below + (share * last % 1) * (above - below))
    return np.array(found)
