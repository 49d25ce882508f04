"""No more points than a screen can show."""

import warnings

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
