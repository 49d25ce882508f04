"""The report's figures: each is written as a PNG, and returned as SVG for the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.reports.comparing import Comparison
from rl.reports.drawing import INK, Styles, axes, legend, legend_height, saved, scaled, wrapped
from rl.reports.statistics import Estimate

_WIDTH = 9.0  # inches; drawn at up to 1.6 pixels a point


def curves_figure(curves: Mapping[str, Mapping[str, np.ndarray]], styles: Styles, label: str, file: Path) -> str:
    """Mean and IQM over environment steps, with 95 % intervals."""
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
        legend(figure, panels[0], list(curves))
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
    """Every seed of scores [seeds, 1] a tick, the statistic with its interval a dot."""
    with axes(_WIDTH, 1.1 + 0.34 * len(scores)) as (figure, axis):
        for place, (group, values) in enumerate(scores.items()):
            value, low, high = estimates[group]
            axis.plot(values[:, 0], np.full(len(values), place), "|", color=INK, alpha=0.5, markersize=9)
            axis.plot([low, high], [place, place], color=styles[group]["color"], linewidth=3, alpha=0.7)
            axis.plot(value, place, "o", color=styles[group]["color"], markersize=7)
        axis.set_yticks(range(len(scores)), [wrapped(name) for name in scores])
        axis.set(xlabel=label, title=f"{statistic}, 95 % interval; a tick a seed", ylim=(len(scores) - 0.4, -0.6))
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
    """The share of runs above every threshold; scores: of all runs, in any shape."""
    with axes(_WIDTH, 3.4 + legend_height(list(profiles))) as (figure, axis):
        for group, (share, low, high) in profiles.items():
            axis.plot(thresholds, share, label=wrapped(group), **styles[group])
            axis.fill_between(thresholds, low, high, color=styles[group]["color"], alpha=0.15, linewidth=0)
        axis.set(xlabel=label, ylabel="share of runs above it", ylim=(-0.02, 1.02))
        scaled(axis, "x", scores)
        axis.grid(alpha=0.8)
        legend(figure, axis, list(profiles))
        return saved(figure, file)


def comparisons_figure(comparisons: Sequence[Comparison], file: Path) -> str:
    """Probabilities of improvement with their intervals; filled where a difference is supported."""
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


def gradients_figure(
    series: Mapping[str, Mapping[str, np.ndarray]], styles: Styles, titles: Mapping[str, str], file: Path
) -> str:
    """What the rows say over training: the interquartile mean over seeds of every tag, a panel each."""
    height = 3.0 + legend_height(list(series))
    with axes(_WIDTH, height, columns=len(titles), squeeze=False) as (figure, panels):
        for axis, (tag, title) in zip(panels[0], titles.items(), strict=True):
            for group, by_tag in series.items():
                if by_tag.get(tag):
                    _line(axis, by_tag[tag], "iqm", group, styles)
            axis.set(title=title, xlabel="environment steps")
            axis.grid(alpha=0.8)
            axis.locator_params(axis="x", nbins=4)
            if "ratio" in tag:
                axis.set_yscale("log")
        legend(figure, panels[0][0], list(series))
        return saved(figure, file)


def _line(axis, numbers: Mapping[str, np.ndarray], name: str, group: str, styles: Styles) -> None:
    axis.plot(numbers["step"], numbers[name], label=wrapped(group), **styles[group])
    band = numbers[f"{name}_low"], numbers[f"{name}_high"]
    axis.fill_between(numbers["step"], *band, color=styles[group]["color"], alpha=0.18, linewidth=0)
