"""A setting at a glance, its seeds folded: the sentence, the return, who pulls, who fights, whom the step serves."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.sentence import told
from rl.tensorboard.plugin.source import Curve, Series
from rl.tensorboard.plugin.thinning import moving_mean, points_per_bin, quartiles, thinned

_WINDOW = 12
"""Signs are averaged over a twelfth of the moments: of two layers one moment says 0, ½ or 1 and nothing between."""


class Line(NamedTuple):
    """A line of a chart in one run: values [T] at the run's moments; extra where a row of it is no objective's."""

    name: str
    values: np.ndarray
    extra: bool


def setting(runs: Mapping[str, Series], returns: Mapping[str, Mapping[str, Curve]], points: int) -> dict[str, Any]:
    """What the card of a setting draws, of all shared weights together, at most so many points a line.

    Args:
        runs: {run: series}, the seeds; each has moments.
        returns: {run: {tag: curve}}.
    """
    sentence, detail = told(list(runs.values()))
    charts = {run: lines(series) for run, series in runs.items()}
    some = max(runs.values(), key=lambda series: len(series.steps))
    steps = thinned(some.steps, np.zeros(len(some.steps)), points)[0]

    def folded(chart: str) -> list[dict[str, Any]]:
        found: dict[str, list] = {}
        for run, of in charts.items():
            for line in of[chart]:
                own = thinned(runs[run].steps, line.values, points, mean=chart in ("conflict", "share"))
                found.setdefault(line.name, [line.extra]).append(own)
        return [{"name": name, "extra": extra, **over_runs(curves, steps)} for name, (extra, *curves) in found.items()]

    counts = [len(series.steps) for series in runs.values()]
    per_window = _window(max(counts)) * len(some.legend.layers) * len(runs)
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
        "objectives": some.legend.objectives,
        "reference": _reference(some.legend.objectives),
        "null_band": quantities.null_band(sum(some.legend.sizes)),
        "chance": 1.0 / np.sqrt(per_window),
        "num_layers": len(some.legend.layers),
    }


def lines(series: Series) -> dict[str, list[Line]]:
    """The lines of each chart in one run; shares and conflict are means over the moments around each.

    ratio is the length of each objective's row over that of `reference`.
    """
    legend, total, width = series.legend, series.gramians.sum(1), _window(len(series.steps))
    lengths, shares = quantities.norms(total), quantities.shares(total, legend)
    beside = legend.objectives.index(_reference(legend.objectives))
    objectives = list(itertools.combinations(legend.objectives, 2))

    def pair(quantity: str, a: str, b: str) -> np.ndarray:
        return quantities.in_all(quantity, series.gramians, legend, a, b)

    return {
        "norm": [Line(row, lengths[:, i], row in legend.extra_rows) for i, row in enumerate(legend.rows)],
        "ratio": [
            Line(name, quantities.ratio(total, i, beside), False)
            for i, name in enumerate(legend.objectives)
            if i != beside
        ],
        "cosine": [
            Line(f"{a} · {b}", pair("cosine", a, b), (a, b) not in objectives) for a, b in quantities.pairs(legend)
        ],
        "conflict": [Line(f"{a} · {b}", moving_mean(pair("conflict", a, b), width), False) for a, b in objectives],
        "share": [Line(name, moving_mean(shares[:, i], width), False) for i, name in enumerate(legend.objectives)],
    }


def over_runs(curves: list[tuple[np.ndarray, np.ndarray]], steps: np.ndarray) -> dict[str, Any]:
    """One run's own values, where it is at these steps; of several the median, and the quartiles as low and high."""
    if len(curves) == 1 and len(curves[0][0]) == len(steps):
        return {"values": curves[0][1]}
    low, median, high = quartiles(curves, steps)
    return {"values": median} | ({"low": low, "high": high} if len(curves) > 1 else {})


def _returns(returns: Mapping[str, Mapping[str, Curve]], points: int) -> list[dict[str, Any]]:
    tags: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for of in returns.values():
        for tag, curve in of.items():
            tags.setdefault(tag, []).append(thinned(curve.steps, curve.values, points))
    found = []
    for tag, curves in tags.items():
        steps = max((own for own, _ in curves), key=len)
        found.append({"name": tag, "steps": steps, **over_runs(curves, steps)})
    return found


def _reference(objectives: tuple[str, ...]) -> str:
    return "policy" if "policy" in objectives else objectives[0]


def _window(count: int) -> int:
    return max(1, count // _WINDOW) | 1
