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


def wrapped(name: str, width: int = 60) -> str:
    """A setting's name in lines that leave room for the picture."""
    return "\n".join(textwrap.wrap(name, width, break_long_words=True)) or name


def style(place: int) -> dict[str, str]:
    """Of the place-th group, the same in all figures."""
    return {"color": _COLORS[place % len(_COLORS)], "linestyle": _DASHES[place // len(_COLORS) % len(_DASHES)]}


def curves_figure(curves: Mapping[str, Mapping[str, np.ndarray]], label: str, file: Path) -> None:
    """Mean and IQM over environment steps, with 95 % intervals."""
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4 + 0.2 * len(curves)), sharey=True, layout="constrained")
    for axis, name, title in zip(axes, ("mean", "iqm"), ("mean", "interquartile mean"), strict=True):
        for place, (group, numbers) in enumerate(curves.items()):
            if not numbers:
                continue
            axis.plot(numbers["step"], numbers[name], label=wrapped(group), **style(place))
            band = numbers[f"{name}_low"], numbers[f"{name}_high"]
            axis.fill_between(numbers["step"], *band, color=style(place)["color"], alpha=0.18, linewidth=0)
        axis.set(title=f"{title} over seeds, 95 % interval", xlabel="environment steps")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    _save(figure, file)


def scores_figure(scores: Mapping[str, np.ndarray], iqms: Mapping[str, Estimate], label: str, file: Path) -> None:
    """Every run a tick, the interquartile mean with its interval a bar."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(10, 1.3 + 0.42 * len(scores)), layout="constrained")
    for place, (group, values) in enumerate(scores.items()):
        value, low, high = iqms[group]
        axis.barh(place, value, color=style(place)["color"], alpha=0.75)
        axis.plot([low, high], [place, place], color="black", linewidth=1.4)
        axis.plot(values[:, 0], np.full(len(values), place), "|", color="black", alpha=0.4, markersize=9)
    axis.set_yticks(range(len(scores)), [wrapped(name) for name in scores], fontsize=8)
    axis.invert_yaxis()
    axis.set(xlabel=f"{label}: interquartile mean and 95 % interval; a tick a seed")
    axis.grid(axis="x", alpha=0.3)
    _save(figure, file)


def profiles_figure(profiles: Mapping[str, np.ndarray], thresholds: np.ndarray, label: str, file: Path) -> None:
    """The share of runs above every score."""
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(9, 4.2 + 0.2 * len(profiles)), layout="constrained")
    for place, (group, (share, low, high)) in enumerate(profiles.items()):
        axis.plot(thresholds, share, label=wrapped(group), **style(place))
        axis.fill_between(thresholds, low, high, color=style(place)["color"], alpha=0.15, linewidth=0)
    axis.set(xlabel=label, ylabel="share of runs above it", ylim=(-0.02, 1.02))
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    _save(figure, file)


def comparisons_figure(comparisons: Sequence[Comparison], file: Path, most: int = 40) -> None:
    """Probabilities of improvement with their intervals; filled where a difference is supported."""
    plt = pyplot()
    shown = sorted(comparisons, key=lambda one: -one.probability.value)[:most]
    figure, axis = plt.subplots(figsize=(11, 1.3 + 0.36 * len(shown)), layout="constrained")
    for place, one in enumerate(shown):
        value, low, high = one.probability
        color = "#4477aa" if one.supported else "#999999"
        axis.plot([low, high], [place, place], color=color)
        axis.plot([value], [place], "o", color=color, fillstyle="full" if one.supported else "none")
    axis.axvline(0.5, color="black", linewidth=0.8)
    axis.set_yticks(range(len(shown)), [wrapped(f"{one.better}  over  {one.worse}", 80) for one in shown], fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="probability of improvement, 95 % interval (hollow: not supported)", xlim=(-0.02, 1.02))
    axis.grid(axis="x", alpha=0.3)
    _save(figure, file)


def gradients_figure(series: Mapping[str, Mapping[str, np.ndarray]], titles: Mapping[str, str], file: Path) -> None:
    """What the rows say over training: the interquartile mean over seeds of every tag, a panel each."""
    plt = pyplot()
    figure, axes = plt.subplots(
        1, len(titles), figsize=(4 * len(titles), 3.6 + 0.2 * len(series)), layout="constrained", squeeze=False
    )
    for axis, (tag, title) in zip(axes[0], titles.items(), strict=True):
        for place, (group, by_tag) in enumerate(series.items()):
            numbers = by_tag.get(tag)
            if numbers:
                axis.plot(numbers["step"], numbers["iqm"], label=wrapped(group), **style(place))
                band = numbers["iqm_low"], numbers["iqm_high"]
                axis.fill_between(numbers["step"], *band, color=style(place)["color"], alpha=0.15, linewidth=0)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("environment steps")
        axis.grid(alpha=0.3)
        if "ratio" in tag:
            axis.set_yscale("log")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    _save(figure, file)


def _save(figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI)
    pyplot().close(figure)
