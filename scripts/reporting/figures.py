"""The report's figures as PNG."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from inspection.figures import pyplot

from reporting.statistics import Comparison, Estimate

# Paul Tol's bright scheme and then the Okabe-Ito palette: apart for every kind of colour vision.
_COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#000000", "#e69f00", "#0072b2")
_DASHES = ("-", "--", ":", "-.")
_DPI = 110
_LINE = 0.17  # inches, of a legend or a label
_COLUMNS = 2

Styles = Mapping[str, dict[str, str]]
"""{setting: colour and line}, the same in all figures of a report."""


def styles(names: Sequence[str]) -> Styles:
    """Of settings in their order."""
    return {
        name: {"color": _COLORS[place % len(_COLORS)], "linestyle": _DASHES[place // len(_COLORS) % len(_DASHES)]}
        for place, name in enumerate(names)
    }


def wrapped(name: str, width: int = 60) -> str:
    """A setting's name in lines that leave room for the picture; a dollar sign is one, not mathematics."""
    return ("\n".join(textwrap.wrap(name, width, break_long_words=True)) or name).replace("$", r"\$")


def _height(names: Sequence[str], *, columns: int = 1, width: int = 60) -> float:
    """What the names take, in inches."""
    return _LINE * sum(wrapped(name, width).count("\n") + 1.4 for name in names) / columns


def curves_figure(curves: Mapping[str, Mapping[str, np.ndarray]], styles: Styles, label: str, file: Path) -> None:
    """Mean and IQM over environment steps, with 95 % intervals."""
    plt = pyplot()
    height = 4.2 + _height(list(curves), columns=_COLUMNS)
    figure, axes = plt.subplots(1, 2, figsize=(12, height), sharey=True, layout="constrained")
    for axis, name, title in zip(axes, ("mean", "iqm"), ("mean", "interquartile mean"), strict=True):
        for group, numbers in curves.items():
            if numbers:
                _line(axis, numbers, name, group, styles)
        axis.set(title=f"{title} over seeds, 95 % interval", xlabel="environment steps")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=_COLUMNS, fontsize=8)
    _save(figure, file)


def scores_figure(
    scores: Mapping[str, np.ndarray],
    estimates: Mapping[str, Estimate],
    styles: Styles,
    label: str,
    file: Path,
    *,
    statistic: str = "interquartile mean",
) -> None:
    """Every seed of scores [seeds, 1] a tick, the statistic with its interval a dot."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(10, 1.3 + max(0.4 * len(scores), _height(list(scores)))), layout="constrained")
    for place, (group, values) in enumerate(scores.items()):
        value, low, high = estimates[group]
        axis.plot(values[:, 0], np.full(len(values), place), "|", color="black", alpha=0.4, markersize=9)
        axis.plot([low, high], [place, place], color=styles[group]["color"], linewidth=3, alpha=0.7)
        axis.plot(value, place, "o", color=styles[group]["color"], markersize=8)
    axis.set_yticks(range(len(scores)), [wrapped(name) for name in scores], fontsize=8)
    axis.set(xlabel=label, title=f"{statistic}, 95 % interval; a tick a seed", ylim=(len(scores) - 0.4, -0.6))
    axis.grid(axis="x", alpha=0.3)
    _save(figure, file)


def profiles_figure(
    profiles: Mapping[str, np.ndarray], thresholds: np.ndarray, styles: Styles, label: str, file: Path
) -> None:
    """The share of runs above every score."""
    plt = pyplot()
    height = 4.0 + _height(list(profiles), columns=_COLUMNS)
    figure, axis = plt.subplots(figsize=(11, height), layout="constrained")
    for group, (share, low, high) in profiles.items():
        axis.plot(thresholds, share, label=wrapped(group), **styles[group])
        axis.fill_between(thresholds, low, high, color=styles[group]["color"], alpha=0.15, linewidth=0)
    axis.set(xlabel=label, ylabel="share of runs above it", ylim=(-0.02, 1.02))
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=_COLUMNS, fontsize=8)
    _save(figure, file)


def comparisons_figure(comparisons: Sequence[Comparison], file: Path) -> None:
    """Probabilities of improvement with their intervals; filled where a difference is supported."""
    plt = pyplot()
    names = [f"{one.better}  over  {one.worse}" for one in comparisons]
    height = 1.3 + max(0.36 * len(names), _height(names, width=80))
    figure, axis = plt.subplots(figsize=(11, height), layout="constrained")
    for place, one in enumerate(comparisons):
        value, low, high = one.probability
        color = "#4477aa" if one.supported else "#999999"
        axis.plot([low, high], [place, place], color=color)
        axis.plot([value], [place], "o", color=color, fillstyle="full" if one.supported else "none")
    axis.axvline(0.5, color="black", linewidth=0.8)
    axis.set_yticks(range(len(names)), [wrapped(name, 80) for name in names], fontsize=7)
    axis.set(xlabel="probability of improvement, 95 % interval (hollow: not supported)", xlim=(-0.02, 1.02))
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.grid(axis="x", alpha=0.3)
    _save(figure, file)


def gradients_figure(
    series: Mapping[str, Mapping[str, np.ndarray]], styles: Styles, titles: Mapping[str, str], file: Path
) -> None:
    """What the rows say over training: the interquartile mean over seeds of every tag, a panel each."""
    plt = pyplot()
    size = 4 * len(titles), 3.4 + _height(list(series), columns=_COLUMNS)
    figure, axes = plt.subplots(1, len(titles), figsize=size, layout="constrained", squeeze=False)
    for axis, (tag, title) in zip(axes[0], titles.items(), strict=True):
        for group, by_tag in series.items():
            if by_tag.get(tag):
                _line(axis, by_tag[tag], "iqm", group, styles)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("environment steps")
        axis.grid(alpha=0.3)
        if "ratio" in tag:
            axis.set_yscale("log")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=_COLUMNS, fontsize=8)
    _save(figure, file)


def _line(axis, numbers: Mapping[str, np.ndarray], name: str, group: str, styles: Styles) -> None:
    axis.plot(numbers["step"], numbers[name], label=wrapped(group), **styles[group])
    band = numbers[f"{name}_low"], numbers[f"{name}_high"]
    axis.fill_between(numbers["step"], *band, color=styles[group]["color"], alpha=0.18, linewidth=0)


def _save(figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI)
    pyplot().close(figure)
