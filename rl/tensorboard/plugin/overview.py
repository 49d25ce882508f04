"""The data of the Overview page: for each setting its sentence, and its charts folded over seeds.

Quantities are computed moment by moment from each seed's Gramians over all shared weights together, then thinned to
the number of points that a chart can show, then folded over seeds. Medians of ratios are thus not ratios of medians.
"""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.sentence import describe
from rl.tensorboard.plugin.source import Curve, Series
from rl.tensorboard.plugin.thinning import moving_mean, points_per_bin, quartiles, thinned

_WINDOW = 12
"""Conflict and shares are averaged over 1/12 of the moments: with two layers a single moment is 0, ½ or 1."""


class Line(NamedTuple):
    """A line of a chart in one run."""

    name: str
    """Name of the row, or `a · b` for a pair of rows."""
    values: np.ndarray
    """[T], at the run's moments."""
    extra: bool
    """Whether one of its rows is an extra row, which the page shows only on request."""


def setting(runs: Mapping[str, Series], returns: Mapping[str, Mapping[str, Curve]], points: int) -> dict[str, Any]:
    """The data of a setting's card, over all shared weights together.

    Args:
        runs: {run: series}, the seeds; each has at least one moment.
        returns: {run: {tag: curve}}.
        points: the largest number of points in a line.

    Returns: the sentence and its details; for each chart (`norm`, `ratio`, `cosine`, `conflict`, `share`, `returns`)
        a list of lines; `leads`, the leading objectives of the groups; `reference`, the objective whose norm is the
        denominator of ratios, and `compared`, the first lead other than it; `null_band` of the cosines, and `chance`,
        two standard deviations of the conflict of independent rows, whose mean is ½.
    """
    sentence, detail = describe(list(runs.values()))
    charts = {run: lines(series) for run, series in runs.items()}
    longest = max(runs.values(), key=lambda series: len(series.steps))
    legend = longest.legend
    steps = thinned(longest.steps, np.zeros(len(longest.steps)), points)[0]

    def folded(chart: str) -> list[dict[str, Any]]:
        found: dict[str, list] = {}
        for run, by_chart in charts.items():
            for line in by_chart[chart]:
                curve = thinned(runs[run].steps, line.values, points, mean=chart in ("conflict", "share"))
                found.setdefault(line.name, [line.extra]).append(curve)
        return [{"name": name, "extra": extra, **over_runs(curves, steps)} for name, (extra, *curves) in found.items()]

    counts = [len(series.steps) for series in runs.values()]
    per_window = _window(max(counts)) * len(legend.layers) * len(runs)
    return {
        "sentence": sentence,
        "detail": detail,
        "steps": steps,
        "moments": sum(counts),
        "moments_per_point": points_per_bin(max(counts), points),
        "window": _window(max(counts)),
        "left_out": sum(series.left_out for series in runs.values()),
        "broken": sum(series.broken for series in runs.values()),
        "returns": _returns(returns, points),
        **{chart: folded(chart) for chart in ("norm", "ratio", "cosine", "conflict", "share")},
        "objectives": legend.objectives,
        "reference": legend.reference,
        "leads": legend.leads,
        "compared": next((name for name in legend.leads if name != legend.reference), None),
        "null_band": quantities.null_band(sum(legend.sizes)),
        "chance": 1.0 / np.sqrt(per_window),
        "num_layers": len(legend.layers),
    }


def lines(series: Series) -> dict[str, list[Line]]:
    """{chart: its lines} of one run, over all shared weights together.

    norm: of every row. ratio: the norm of each objective's row over that of the legend's reference row. cosine: of
    every pair in `quantities.pairs`. conflict: fraction of layers with a negative cosine. share: c·g·Δw over the sum
    of the absolute values. Conflict and share are moving means.
    """
    legend, total, width = series.legend, series.gramians.sum(1), _window(len(series.steps))
    lengths, shares = quantities.norms(total), quantities.shares(total, legend)
    reference = legend.objectives.index(legend.reference)
    objectives = list(itertools.combinations(legend.objectives, 2))

    def pair(quantity: str, a: str, b: str) -> np.ndarray:
        return quantities.overall(quantity, series.gramians, legend, a, b)

    return {
        "norm": [Line(row, lengths[:, i], row in legend.extra_rows) for i, row in enumerate(legend.rows)],
        "ratio": [
            Line(name, quantities.ratio(total, i, reference), False)
            for i, name in enumerate(legend.objectives)
            if i != reference
        ],
        "cosine": [
            Line(f"{a} · {b}", pair("cosine", a, b), (a, b) not in objectives) for a, b in quantities.pairs(legend)
        ],
        "conflict": [Line(f"{a} · {b}", moving_mean(pair("conflict", a, b), width), False) for a, b in objectives],
        "share": [Line(name, moving_mean(shares[:, i], width), False) for i, name in enumerate(legend.objectives)],
    }


def over_runs(curves: list[tuple[np.ndarray, np.ndarray]], steps: np.ndarray) -> dict[str, Any]:
    """The values of one run, or the median over several runs with the quartiles as `low` and `high`.

    Args:
        curves: (steps [T], values [T]) of each run.
        steps: [S], at which the median is taken; a single run with the same number of steps keeps its own.
    """
    if len(curves) == 1 and len(curves[0][0]) == len(steps):
        return {"values": curves[0][1]}
    low, median, high = quartiles(curves, steps)
    return {"values": median} | ({"low": low, "high": high} if len(curves) > 1 else {})


def _returns(returns: Mapping[str, Mapping[str, Curve]], points: int) -> list[dict[str, Any]]:
    """The returns of each tag, folded over seeds on the steps of the seed with the most points."""
    tags: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for curves in returns.values():
        for tag, curve in curves.items():
            tags.setdefault(tag, []).append(thinned(curve.steps, curve.values, points))
    found = []
    for tag, curves in tags.items():
        steps = max((steps for steps, _ in curves), key=len)
        found.append({"name": tag, "steps": steps, **over_runs(curves, steps)})
    return found


def _window(count: int) -> int:
    """The width of the moving mean for `count` moments; odd, so that it has a centre."""
    return max(1, count // _WINDOW) | 1
