"""What a report says of scores, in one environment or over all of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reporting import figures, statistics
from reporting.page import Page
from reporting.tables import Tables, shown

_MOST_NAMED = 12  # differences in words; all are in improvement.csv
_MOST_DRAWN = 40


def profile(
    page: Page, place: str, scores: Mapping[str, np.ndarray], styles: figures.Styles, label: str, file: Path
) -> None:
    """The share of runs above every score. scores: {setting: [seeds, environments]}; place: which, in words."""
    page.heading("Performance profile", 3)
    every = np.concatenate([values.ravel() for values in scores.values()])
    room = 0.05 * (every.max() - every.min() or max(abs(every.max()), 1.0))
    thresholds = np.linspace(every.min() - room, every.max() + room, 101)
    figures.profiles_figure(statistics.profiles(scores, thresholds), thresholds, styles, label, file)
    page.figure(file, f"Share of runs above every score, {place}")


def improvement(
    page: Page, tables: Tables, place: str, scores: Mapping[str, np.ndarray], lost: Mapping[str, int], file: Path
) -> None:
    """Every pair of settings: which is better, where the intervals support that one is.

    lost: {setting: runs that ended without a score}.
    """
    if len(scores) < 2:
        return
    page.heading("Probability of improvement", 3)
    found = statistics.comparisons(scores, lost)
    tables.add("improvement", [{"environment": place, **one._asdict()} for one in found])
    drawn = sorted(found, key=lambda one: -one.probability.value)[:_MOST_DRAWN]
    figures.comparisons_figure(drawn, file)
    of_all = f", the {len(drawn)} of {len(found)} that are furthest from ½" if len(drawn) < len(found) else ""
    page.figure(file, f"Probability of improvement, {place}{of_all}")
    supported = sorted((one for one in found if one.supported), key=lambda one: -one.probability.low)
    refused = sorted((one for one in found if not one.supported), key=lambda one: -one.probability.value)
    if supported:
        page.text(f"Supported: {len(supported)} of {len(found)} differences.")
        page.items([f"{one.better} over {one.worse}: {_probability(one)}" for one in supported[:_MOST_NAMED]])
    if refused:
        page.text(f"Not supported, so that nothing is said about which is better: {len(refused)}.")
        page.items(
            [f"{one.better} against {one.worse}: {_probability(one)}; {one.why_not}" for one in refused[:_MOST_NAMED]]
        )
    if max(len(supported), len(refused)) > _MOST_NAMED:
        page.text(f"The first {_MOST_NAMED} of each are named; all are in improvement.csv.")


def _probability(one: statistics.Comparison) -> str:
    """With all runs on one side no resample is different, and the bootstrap has no interval to give."""
    return "every run was better" if one.probability.value == 1 else shown(one.probability, ".2f")
