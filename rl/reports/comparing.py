"""Comparisons of two settings, and whether the intervals and a corrected test support a difference.

The probability of improvement of x over y is P(x > y) + ½ P(x = y), averaged over tasks (Agarwal et al. 2021,
arXiv:2108.13264). By its 95 % interval alone, one in twenty pairs of equal settings would count as different, so a
Mann-Whitney test corrected for the number of comparisons has to agree.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl.reports.statistics import FEWEST_SEEDS, Estimate, intervals

FALSE_DISCOVERIES = 0.05
"""The false discovery rate: the expected share of chance findings among the differences called supported."""


class Comparison(NamedTuple):
    """A pair of settings, the one that is more likely to win first.

    probability: that a run of `better` beats one of `worse`, ≥ ½. p_value: of a two-sided Mann-Whitney test, corrected
    for the number of comparisons (Benjamini & Hochberg 1995); NaN without a test. why_not: why the difference is not
    supported, in words; empty where it is.
    """

    better: str
    worse: str
    probability: Estimate
    p_value: float
    supported: bool
    why_not: str


def comparisons(
    scores: Mapping[str, np.ndarray],
    lost: Mapping[str, int] | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> list[Comparison]:
    """Compares pairs of settings.

    A difference is supported if both settings have `FEWEST_SEEDS` seeds and no run without a score, the interval of the
    probability excludes ½, and the Mann-Whitney test, corrected for the number of pairs with enough seeds, is
    significant at `FALSE_DISCOVERIES`.

    Args:
        scores: {setting: [seeds, tasks]}, with the same tasks; numbers of seeds may differ.
        lost: {setting: number of runs that ended without a score}; 0 for settings that it lacks.
        pairs: the settings to compare; None takes every pair once.
    Returns: a comparison for each pair, in the order of the pairs.
    """
    from scipy.stats import false_discovery_control

    pairs = list(itertools.combinations(scores, 2) if pairs is None else pairs)
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
    """The comparison of a pair. p_value: corrected, NaN without a test; num_tested: of the pairs in the correction."""
    one, other = pair
    seeds = min(len(scores[name]) for name in pair)
    value, low, high = _probability(scores[one], scores[other]), math.nan, math.nan
    if seeds >= FEWEST_SEEDS:
        both = [scores[one], scores[other]]
        ends = intervals({"x": both}, lambda x, y: np.array([_probability(x, y)]))[1]["x"]
        low, high = (float(end[0]) for end in ends)
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
    """The two-sided p-value of the Mann-Whitney test of scores x [n, tasks] and y [m, tasks], 0 to 1.

    With several tasks the statistic is the sum of the tasks' rank sums, by the normal approximation with a correction
    for ties. The p-value is 1 where all scores are equal.
    """
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


def _probability(x: np.ndarray, y: np.ndarray) -> float:
    """P(x > y) + ½ P(x = y) of scores x [n, tasks] and y [m, tasks], over all pairs of seeds, averaged over tasks.

    rliable's probability of improvement, computed by comparing all pairs instead of by ranks.
    """
    x, y = x[:, None], y[None]
    return float((x > y).mean() + 0.5 * (x == y).mean())
