"""What a report says of scores, in one environment or over all of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reporting import figures, statistics
from reporting.page import Page
from reporting.tables import Tables, shown

_MOST_NAMED = 12  # differences in words; all are in improvement.csv


def profile(page: Page, place: str, scores: Mapping[str, np.ndarray], label: str, file: Path) -> None:
    """The share of runs above every score. scores: {setting: [seeds, environments]}; place: which, in words."""
    page.heading("Performance profile", 3)
    every = np.concatenate([values.ravel() for values in scores.values()])
    room = 0.05 * (every.max() - every.min() or max(abs(every.max()), 1.0))
    thresholds = np.linspace(every.min() - room, every.max() + room, 101)
    figures.profiles_figure(statistics.profiles(scores, thresholds), thresholds, label, file)
    page.figure(file, f"Share of runs above every score, {place}")


def improvement(page: Page, tables: Tables, place: str, scores: Mapping[str, np.ndarray], file: Path) -> None:
    """Every pair of settings: which is better, where the intervals support that one is."""
    if len(scores) < 2:
        return
    page.heading("Probability of improvement", 3)
    found = statistics.comparisons(scores)
    tables.add("improvement", [{"environment": place, **one._asdict()} for one in found])
    figures.comparisons_figure(found, file)
    page.figure(file, f"Probability of improvement, {place}")
    supported = sorted((one for one in found if one.supported), key=lambda one: -one.probability.low)
    refused = [one for one in found if not one.supported]
    if supported:
        page.text(f"Supported by the intervals: {len(supported)} of {len(found)} differences.")
        page.items(
            [f"{one.better} over {one.worse}: {shown(one.probability, '.2f')}" for one in supported[:_MOST_NAMED]]
        )
    if refused:
        page.text(f"Not supported, so that nothing is said about which is better: {len(refused)}.")
        page.items(
            [
                f"{one.better} against {one.worse}: {shown(one.probability, '.2f')}; {one.why_not}"
                for one in refused[:_MOST_NAMED]
            ]
        )
    if max(len(supported), len(refused)) > _MOST_NAMED:
        page.text(f"The first {_MOST_NAMED} of each are named; all are in improvement.csv.")
