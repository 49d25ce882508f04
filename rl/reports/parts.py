"""Parts on scores [seeds, environments] that occur in the section of one environment and in that over all.

Scores of one environment are in its own units; scores over all of them are on the common scale (`together`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.reports import comparing, figures, statistics
from rl.reports.drawing import MOST_DRAWN, Styles
from rl.reports.page import Page
from rl.reports.tables import Tables, shown

_MOST_NAMED = 12  # differences in the text; all are in improvement.csv
_MOST_PAIRS = 30  # in a figure


def drawn(names: Mapping[str, object] | Sequence[str]) -> list[str]:
    """The settings that figures show: the first ones, as many as can be distinguished."""
    return list(names)[:MOST_DRAWN]


def not_drawn(page: Page, names: Mapping[str, object] | Sequence[str]) -> None:
    """Lists the settings that figures leave out, if there are any."""
    if rest := list(names)[MOST_DRAWN:]:
        page.items(rest, f"The figures draw the {MOST_DRAWN} best; {len(rest)} more are in the tables and CSV files")


def profile(page: Page, place: str, scores: Mapping[str, np.ndarray], styles: Styles, label: str, file: Path) -> None:
    """Writes a folded section with the performance profile: the share of runs above each score.

    Args:
        place: the environments, in words, such as `on cartpole`.
        scores: {setting: [seeds, environments]}, the best first; the figure draws the first ones.
        styles: of the settings that are drawn; label: of the axis of the scores; file: of the figure.
    """
    with page.section("Performance profile", is_open=False):
        shown = {name: scores[name] for name in drawn(scores)}
        every = np.concatenate([values.ravel() for values in shown.values()])
        room = 0.05 * (every.max() - every.min() or max(abs(every.max()), 1.0))
        thresholds = np.unique([*np.linspace(every.min() - room, every.max() + room, 101), *every])
        svg = figures.profiles_figure(statistics.profiles(shown, thresholds), thresholds, every, styles, label, file)
        page.figure(file, svg, f"Share of runs above every score, {place}")


def improvement(
    page: Page, tables: Tables, place: str, scores: Mapping[str, np.ndarray], lost: Mapping[str, int], file: Path
) -> None:
    """Writes a folded section that compares every pair of the best settings, and says which differences are supported.

    Args:
        place: the environments, in words; it identifies the comparisons in improvement.csv.
        scores: {setting: [seeds, environments]}, the best first.
        lost: {setting: number of runs that ended without a score}; file: of the figure.
    """
    if len(scores) < 2:
        return
    with page.section("Probability of improvement", is_open=False):
        enough = [name for name, values in scores.items() if len(values) >= statistics.FEWEST_SEEDS]
        chosen = {name: scores[name] for name in drawn(enough if len(enough) > 1 else scores)}
        if len(chosen) < len(scores):
            page.text(
                f"Between {len(chosen)} settings: the best of those with enough seeds, or of all where fewer than two "
                "have enough. The table of scores compares every setting with the best."
            )
        found = comparing.comparisons(chosen, lost)
        tables.add("improvement", [{"environment": place, **one._asdict()} for one in found])
        first = sorted(found, key=lambda one: -one.probability.value)[:_MOST_PAIRS]
        of_all = f", the {len(first)} of {len(found)} that are furthest from ½" if len(first) < len(found) else ""
        page.figure(file, figures.comparisons_figure(first, file), f"Probability of improvement, {place}{of_all}")
        _in_words(page, found)


def _in_words(page: Page, found: list[comparing.Comparison]) -> None:
    """Lists the supported differences, clearest first, and the others with the reasons, at most 12 of each."""
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


def _probability(one: comparing.Comparison) -> str:
    """A probability in words; at 1 the interval has no width, since all resamples are equal."""
    return "every run was better" if one.probability.value == 1 else shown(one.probability, ".2f")
