"""Settings by their scores, and which of them the intervals cannot tell from the best."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl.reports.comparing import Comparison, comparisons
from rl.reports.groups import Group
from rl.reports.statistics import FEWEST_SEEDS, Estimate, estimate, iqm, mean
from rl.reports.tables import count, shown


class Ranked(NamedTuple):
    """A setting with its scores [seeds, tasks]; verdict: how it stands against the best one, in words."""

    name: str
    scores: np.ndarray
    iqm: Estimate
    mean: Estimate
    verdict: str


def ranked(scores: Mapping[str, np.ndarray], lost: Mapping[str, int], order: str = "iqm") -> list[Ranked]:
    """The settings, the highest interquartile mean (or `mean`) first, where scores are alike in their own order.

    Each is compared to the best of those with seeds enough for an interval (or the first, where there is none); the
    Mann-Whitney tests are corrected for the number of these comparisons.

    Args:
        scores: {setting: [seeds, tasks]}; lost: {setting: runs that ended without a score}.
    """
    found = [Ranked(name, values, estimate(values, iqm), estimate(values, mean), "") for name, values in scores.items()]
    found.sort(key=lambda one: -getattr(one, order).value)
    if not found:
        return []
    best = next((one.name for one in found if len(one.scores) >= FEWEST_SEEDS), found[0].name)
    pairs = [(best, one.name) for one in found if one.name != best]
    verdicts = {pair[1]: _verdict(one, best) for pair, one in zip(pairs, comparisons(scores, lost, pairs), strict=True)}
    return [one._replace(verdict=verdicts.get(one.name, "best")) for one in found]


def by_score(groups: Sequence[Group], kind: str) -> tuple[list[Group], list[Ranked]]:
    """The groups that have a score, the best first, and what is said of each."""
    known = {group.name: group for group in groups if len(group.scores(kind))}
    lost = {name: group.lost(kind) for name, group in known.items()}
    order = ranked({name: group.scores(kind) for name, group in known.items()}, lost)
    return [known[one.name] for one in order], order


def interval(of: Ranked) -> str:
    """The interval of the interquartile mean in words, or why there is none."""
    if len(of.scores) >= FEWEST_SEEDS:
        return shown(of.iqm, interval_alone=True).replace(" ", "\N{NO-BREAK SPACE}")
    return f"none: {count(len(of.scores), 'seed')}".replace(" ", "\N{NO-BREAK SPACE}")


def _verdict(one: Comparison, best: str) -> str:
    if one.supported:
        return "worse" if one.better == best else "wins more often"
    return "too few seeds to tell" if "too few" in one.why_not else f"not separated: {one.why_not}"
