"""The report's figures. Each function writes a PNG file and returns the figure as SVG for the page.

Common arguments: `styles` has the colour and line style of each setting that is drawn, `label` names the axis of the
scores or returns, and `file` is the PNG file.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl.reports.comparing import Comparison
from rl.reports.drawing import INK, Styles, axes, legend, legend_height, saved, scaled, wrapped
from rl.reports.statistics import Curve, Estimate

_WIDTH = 9.0  # inches


def curves_figure(curves: Mapping[str, Curve], styles: Styles, label: str, file: Path) -> str:
    """Draws mean and interquartile mean over seeds, one panel each, against environment steps, with 95 % intervals.

    Args:
        curves: {setting: its curve}; empty curves are left out.
    """
    with axes(_WIDTH, 3.6 + legend_height(list(curves)), columns=2, sharey=True) as (figure, panels):
        for axis, name, title in zip(panels, ("mean", "iqm"), ("mean", "interquartile mean"), strict=True):
            for group, numbers in curves.items():
                if numbers:
                    _line(axis, numbers, name, group, styles)
            axis.set(title=f"{title} over seeds, 95 % interval", xlabel="environment steps")
            axis.grid(alpha=0.8)
            axis.locator_params(axis="x", nbins=5)
            scaled(
                axis, "y", np.concatenate([numbers[name] for numbers in curves.values() if numbers] or [np.zeros(0)])
            )
        panels[0].set_ylabel(label)
        legend(figure, panels[:1])
        return saved(figure, file)


def scores_figure(
    scores: Mapping[str, np.ndarray],
    estimates: Mapping[str, Estimate],
    styles: Styles,
    label: str,
    file: Path,
    *,
    statistic: str = "interquartile mean",
) -> str:
    """Draws a tick for the score of each seed, a dot for the statistic and a bar for its interval, a line per setting.

    Args:
        scores: {setting: [seeds, 1]}, from top to bottom.
        estimates: {setting: the statistic}, at least for these settings.
        statistic: its name, for the title.
    """
    with axes(_WIDTH, 1.1 + 0.34 * len(scores)) as (figure, axis):
        for place, (group, values) in enumerate(scores.items()):
            value, low, high = estimates[group]
            axis.plot(values[:, 0], np.full(len(values), place), "|", color=INK, alpha=0.5, markersize=9)
            axis.plot([low, high], [place, place], color=styles[group]["color"], linewidth=3, alpha=0.7)
            axis.plot(value, place, "o", color=styles[group]["color"], markersize=7)
        axis.set_yticks(range(len(scores)), [wrapped(name) for name in scores])
        axis.set(xlabel=label, title=f"{statistic}, 95 % interval; a tick per seed", ylim=(len(scores) - 0.4, -0.6))
        scaled(axis, "x", np.concatenate([values[:, 0] for values in scores.values()]))
        axis.grid(axis="x", alpha=0.8)
        return saved(figure, file)


def profiles_figure(
    profiles: Mapping[str, np.ndarray],
    thresholds: np.ndarray,
    scores: np.ndarray,
    styles: Styles,
    label: str,
    file: Path,
) -> str:
    """Draws the share of runs above each threshold, with its 95 % interval.

    Args:
        profiles: {setting: [3, thresholds]}, share and ends of the interval (`rl.reports.statistics.profiles`).
        thresholds: [thresholds], ascending, in units of the score.
        scores: those of all runs, in any shape; they determine whether the axis is logarithmic.
    """
    with axes(_WIDTH, 3.4 + legend_height(list(profiles))) as (figure, axis):
        for group, (share, low, high) in profiles.items():
            axis.plot(thresholds, share, label=wrapped(group), **styles[group])
            axis.fill_between(thresholds, low, high, color=styles[group]["color"], alpha=0.15, linewidth=0)
        axis.set(xlabel=label, ylabel="share of runs above it", ylim=(-0.02, 1.02))
        scaled(axis, "x", scores)
        axis.grid(alpha=0.8)
        legend(figure, [axis])
        return saved(figure, file)


def comparisons_figure(comparisons: Sequence[Comparison], file: Path) -> str:
    """Draws probabilities of improvement with their 95 % intervals, one line per comparison, from top to bottom.

    Supported differences are filled and coloured, others hollow and grey.
    """
    names = [wrapped(f"{one.better}  over  {one.worse}", 56) for one in comparisons]
    with axes(_WIDTH, 1.1 + sum(0.16 + 0.15 * (name.count("\n") + 1) for name in names)) as (figure, axis):
        for place, one in enumerate(comparisons):
            value, low, high = one.probability
            color = "#3b6fa5" if one.supported else "#7a7a7a"
            axis.plot([low, high], [place, place], color=color)
            axis.plot([value], [place], "o", color=color, fillstyle="full" if one.supported else "none")
        axis.axvline(0.5, color=INK, linewidth=0.8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set(xlabel="probability of improvement, 95 % interval (hollow: not supported)", xlim=(-0.02, 1.02))
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.grid(axis="x", alpha=0.8)
        return saved(figure, file)


class Panel(NamedTuple):
    """A panel of the gradients' figure: the tag that it draws, its title, and whether its axis is logarithmic."""

    tag: str
    title: str
    is_logarithmic: bool


def gradients_figure(
    series: Mapping[str, Mapping[str, Curve]], styles: Styles, panels: Sequence[Sequence[Panel]], file: Path
) -> str:
    """Draws tags of the objectives' rows over training, one per panel: the interquartile mean over seeds.

    Args:
        series: {setting: {tag: its curve}}; empty curves are left out.
        panels: [row][column]; rows may differ in length.
    """
    columns = max(map(len, panels))
    height = 3.0 * len(panels) + legend_height(list(series))
    with axes(_WIDTH, height, rows=len(panels), columns=columns, squeeze=False) as (figure, grid):
        for of_row, titled in zip(grid, panels, strict=True):
            for axis, panel in itertools.zip_longest(of_row, titled):
                axis.set_visible(panel is not None)
                if panel is not None:
                    _draw_panel(axis, panel, {group: by_tag.get(panel.tag) for group, by_tag in series.items()}, styles)
        legend(figure, grid.ravel())
        return saved(figure, file)


def _draw_panel(axis, panel: Panel, curves: Mapping[str, Curve | None], styles: Styles) -> None:
    """Draws {setting: curve} into a Matplotlib axis; empty and missing curves are left out."""
    for group, numbers in curves.items():
        if numbers:
            _line(axis, numbers, "iqm", group, styles)
    axis.set(title=panel.title, xlabel="environment steps")
    axis.grid(alpha=0.8)
    axis.locator_params(axis="x", nbins=4)
    if panel.is_logarithmic:
        axis.set_yscale("log")


def _line(axis, numbers: Curve, name: str, group: str, styles: Styles) -> None:
    """Draws a setting's curve with its interval as a band, a single point as a dot; name: `mean` or `iqm`."""
    alone = np.isfinite(np.asarray(numbers[name], float)).sum() == 1
    dot = {"marker": "o", "markersize": 4} if alone else {}
    axis.plot(numbers["step"], numbers[name], label=wrapped(group), **styles[group], **dot)
    band = numbers[f"{name}_low"], numbers[f"{name}_high"]
    axis.fill_between(numbers["step"], *band, color=styles[group]["color"], alpha=0.18, linewidth=0)
