"""Thins curves to the number of points that a screen can show, and resamples runs at common steps."""

import warnings
from collections.abc import Sequence

import numpy as np


def thinned(steps: np.ndarray, values: np.ndarray, most: int, *, mean: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Thins a curve to at most `most` points: each is the median of an equally large bin of neighbours, without NaN.

    Args:
        steps: [T].
        values: [T, ...].
        most: largest B; a curve with no more points is returned unchanged.
        mean: whether to take the mean of each bin instead, for quantities that are averages of signs.
    Returns: (steps [B], the last of each bin; values [B, ...], NaN if the whole bin is NaN).
    """
    count = len(steps)
    if count <= most:
        return steps, values
    width = -(-count // most)
    missing = -count % width
    padded = np.concatenate([values, np.full((missing, *values.shape[1:]), np.nan)])
    bins = padded.reshape(-1, width, *values.shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a bin may be all NaN
        middle = np.nanmean(bins, 1) if mean else np.nanmedian(bins, 1)
    ends = np.minimum(np.arange(1, len(bins) + 1) * width, count) - 1
    return steps[ends], middle


def points_per_bin(count: int, most: int) -> int:
    """The number of moments that `thinned` puts into a bin."""
    return max(1, -(-count // most))


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The centred moving mean of values [T]; NaN values do not enter the means and stay NaN.

    Args:
        width: window size, the value itself included; an even one counts as the next odd number. The window is
            truncated at the ends.
    """
    known, half = np.isfinite(values), width // 2
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, (sums[last] - sums[first]) / (counts[last] - counts[first]), np.nan)


def quartiles(curves: Sequence[tuple[np.ndarray, np.ndarray]], steps: np.ndarray) -> np.ndarray:
    """Lower quartile, median and upper quartile over curves, [3, S].

    Each curve is interpolated linearly between its own finite points, and ignored outside their range; NaN where no
    curve has a value.

    Args:
        curves: (steps [T], values [T]) of each curve; T may differ between curves.
        steps: [S], common steps.
    """
    lines = [np.full(len(steps), np.nan)]
    for own, values in curves:
        known = np.isfinite(values)
        if known.any():
            lines.append(np.interp(steps, own[known], values[known], np.nan, np.nan))
    ordered = np.sort(lines, 0)  # NaN last; `np.nanquantile` loops over columns, which takes 100 times as long
    last = np.maximum(np.isfinite(ordered).sum(0) - 1, 0)
    found = []
    for share in (0.25, 0.5, 0.75):
        below, above = (
            ordered[round_(share * last).astype(int), np.arange(len(steps))] for round_ in (np.floor, np.ceil)
        )
        found.append(below + (share * last % 1) * (above - below))
    return np.array(found)
