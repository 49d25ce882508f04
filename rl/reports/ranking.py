"""Ranks settings by their scores, and finds those that the intervals cannot separate from the best."""

from collections.abc import Collection, Mapping, Sequence
from math import isclose
from typing import NamedTuple

import numpy as np

from rl.reports.comparing import Comparison, comparisons
from rl.reports.groups import Group
from rl.reports.statistics import FEWEST_SEEDS, Estimate, estimate, iqm, mean
from rl.reports.tables import count, number, shown


class Ranked(NamedTuple):
    """A setting with its scores [seeds, tasks] and its rank.

    verdict: the comparison with the best setting, in words. is_first: whether it is the best setting or ties with it.
    may_be_best: whether it has enough seeds for an interval and is not supported to be worse than the best.
    """

    name: str
    scores: np.ndarray
    iqm: Estimate
    mean: Estimate
    verdict: str = ""
    is_first: bool = False
    may_be_best: bool = False


def ranked(scores: Mapping[str, np.ndarray], lost: Mapping[str, int], order: str = "iqm") -> list[Ranked]:
    """Ranks settings by a statistic of their scores, the highest first; settings with equal scores keep their order.

    The best is the first with enough seeds for an interval, or the first of all if none has enough. Every other setting
    is compared with it, and the Mann-Whitney tests are corrected for the number of these comparisons. Settings with the
    same statistic as the best tie with it, unless a difference is supported.

    Args:
        scores: {setting: [seeds, tasks]}, the same tasks for all.
        lost: {setting: number of runs that ended without a score}; no difference to such a setting is supported.
        order: the statistic, `iqm` or `mean`.
    """
    found = [Ranked(name, values, estimate(values, iqm), estimate(values, mean)) for name, values in scores.items()]
    found.sort(key=lambda one: -getattr(one, order).value)
    if not found:
        return []
    best = next((one for one in found if _has_interval(one)), found[0])
    pairs = [(best.name, one.name) for one in found if one is not best]
    compared = {pair[1]: one for pair, one in zip(pairs, comparisons(scores, lost, pairs), strict=True)}
    height = getattr(best, order).value
    ties = {
        one.name
        for one in found
        if one is best
        or (isclose(getattr(one, order).value, height, rel_tol=1e-12) and not compared[one.name].supported)
    }
    if len(found) == 1:
        return [best._replace(verdict="the only one", is_first=True, may_be_best=_has_interval(best))]
    return [_judged(one, best, compared.get(one.name), ties) for one in found]


def by_score(groups: Sequence[Group], kind: str) -> tuple[list[Group], list[Ranked]]:
    """Ranks the groups of one environment.

    Args:
        kind: the score, one of `KINDS`.
    Returns: the groups that have a score, the best first, and their ranks in the same order.
    """
    known = {group.name: group for group in groups if len(group.scores(kind))}
    lost = {name: group.lost(kind) for name, group in known.items()}
    order = ranked({name: group.scores(kind) for name, group in known.items()}, lost)
    return [known[one.name] for one in order], order


def interval(of: Ranked) -> str:
    """The interval of the interquartile mean as `low to high`, or the reason why there is none."""
    if _has_interval(of):
        return shown(of.iqm, interval_alone=True).replace(" ", "\N{NO-BREAK SPACE}")
    return f"none: {count(len(of.scores), 'seed')}".replace(" ", "\N{NO-BREAK SPACE}")


def best_in_words(found: Sequence[Ranked]) -> tuple[str, str]:
    """(the best setting, or the number that tie; its interquartile mean) as text; dashes without settings."""
    first = [one for one in found if one.is_first]
    if not first:
        return "–", "–"
    score = number(first[0].iqm.value)
    if len(first) > 1:
        return f"{len(first)} settings tie at {score}", score
    return first[0].name if _has_interval(first[0]) or len(
        found
    ) == 1 else f"{first[0].name} (too few seeds to tell)", score


def _judged(one: Ranked, best: Ranked, compared: Comparison | None, ties: Collection[str]) -> Ranked:
    """A setting with its verdict.

    Args:
        compared: the comparison of the best with this setting; None for the best itself.
        ties: the names of the settings that tie with the best, including the best.
    """
    enough, is_first = _has_interval(one), one.name in ties
    if is_first and len(ties) > 1:
        verdict = f"one of {len(ties)} that tie"
    elif compared is None:
        verdict = "best" if enough else "highest, with too few seeds to tell"
    else:
        verdict = _verdict(compared, best.name)
    behind = compared is not None and compared.supported and compared.better == best.name
    return one._replace(verdict=verdict, is_first=is_first, may_be_best=enough and not behind)


def _has_interval(one: Ranked) -> bool:
    """Whether there are enough seeds for an interval."""
    return len(one.scores) >= FEWEST_SEEDS


def _verdict(one: Comparison, best: str) -> str:
    """A comparison with the best setting in words, from the other setting's side."""
    if one.supported:
        return "worse" if one.better == best else "wins more often"
    return "too few seeds to tell" if "too few" in one.why_not else f"not separated: {one.why_not}"
