"""What each view of the tab draws, in numbers: from series of Gramians to plain lists. Nothing here reads or writes."""

import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rl.tensorboard.plugin import quantities, what_if
from rl.tensorboard.plugin.plane import Plane
from rl.tensorboard.plugin.request import has_rows
from rl.tensorboard.plugin.source import Listing, Series
from rl.tensorboard.plugin.thinning import points_per_bin, thinned

MOST_LAYERS = 200
"""More are not sent; the answer says how many there are."""

_SEED = re.compile(r"(?:^|[,/])seed=(\d+)$")


def listing(run: str, of: Listing) -> dict[str, Any]:
    """A run in the list of runs: what it is called, whether it can be drawn, what its axes mean."""
    seed = _SEED.search(run)
    group = _SEED.sub("", run) if seed else run
    legend = of.legend
    described = (
        {}
        if legend is None
        else {
            **legend._asdict(),
            "layers": len(legend.layers),
            "sizes": sum(legend.sizes),
            "settings": dict(legend.settings),
        }
    )
    return {
        "run": run,
        "config": group or ".",
        "seed": int(seed[1]) if seed else None,
        "problem": of.problem,
        "max_step": of.max_step,
        "version": f"{of.max_step} {of.max_wall_time!r}",
        "legend": described or None,
    }


def overview(series: Series, points: int) -> dict[str, Any]:
    """Norms, cosines, conflict and shares over time, of all shared weights together."""
    legend, gramians = series.legend, series.gramians
    total = gramians.sum(1)
    objectives = list(itertools.combinations(legend.objectives, 2))

    def line(name: str, values: np.ndarray, *, mean: bool = False, extra: bool = False) -> dict[str, Any]:
        return {"name": name, "values": thinned(series.steps, values, points, mean=mean)[1], "extra": extra}

    lengths, share = quantities.norms(total), quantities.shares(total, legend)
    cosines = [
        line(_pair(a, b), quantities.in_all("cosine", gramians, legend, a, b), extra=(a, b) not in objectives)
        for a, b in quantities.pairs(legend)
    ]
    conflict = [
        line(_pair(a, b), quantities.in_all("conflict", gramians, legend, a, b), mean=True) for a, b in objectives
    ]
    return {
        **_time_axis(series, points),
        "norm": [line(row, lengths[:, i], extra=row in legend.extra_rows) for i, row in enumerate(legend.rows)],
        "cosine": cosines,
        "conflict": conflict,
        "share": [line(name, share[:, i]) for i, name in enumerate(legend.objectives)],
        "null_band": quantities.null_band(sum(legend.sizes)),
        "num_layers": len(legend.layers),
    }


def layers(series: Series, quantity: str, a: str, b: str, points: int) -> dict[str, Any]:
    """A quantity layer by layer over time, for the heatmap: values [L, points]."""
    legend, mean = series.legend, quantity == "conflict"
    every = quantities.by_layer(quantity, series.gramians, legend, a, b)
    whole = quantities.in_all(quantity, series.gramians, legend, a, b)
    return {
        **_time_axis(series, points),
        "quantity": quantity,
        "a": a,
        "b": b,
        "layers": legend.layers[:MOST_LAYERS],
        "num_layers": len(legend.layers),
        "sizes": legend.sizes[:MOST_LAYERS],
        "null_bands": [quantities.null_band(size) for size in legend.sizes[:MOST_LAYERS]],
        "null_band": quantities.null_band(sum(legend.sizes)),
        "values": thinned(series.steps, every[:, :MOST_LAYERS], points, mean=mean)[1].T,
        "total": thinned(series.steps, whole, points, mean=mean)[1],
    }


def moment(series: Series, step: float) -> dict[str, Any]:
    """The Gramians of the moment next to a step, in all and layer by layer, each with its rows as arrows in a plane."""
    at, legend = _nearest(series.steps, step), series.legend
    gramians, m = series.gramians[at], len(legend.objectives)
    total = gramians.sum(0)
    return {
        **_place(series, at),
        "rows": legend.rows,
        "num_objectives": m,
        "coefficients": legend.coefficients,
        "combiner": legend.combiner,
        "total": _one_gramian("all shared weights", sum(legend.sizes), total, m),
        "layers": [
            _one_gramian(layer, size, gramian, m)
            for layer, size, gramian in zip(legend.layers, legend.sizes, gramians[:MOST_LAYERS], strict=False)
        ],
        "num_layers": len(legend.layers),
    }


def alternatives(series: Series, every: dict[str, what_if.Choices], step: float, scope: str) -> dict[str, Any]:
    """What every combiner would have done at a moment, and how often over the run it would have hurt an objective."""
    at, legend = _nearest(series.steps, step), series.legend
    m, total = len(legend.objectives), series.gramians[at].sum(0)
    plane, combiners, own = Plane(total, m), [], what_if.own_rule(legend)
    whole = np.eye(len(legend.rows))
    groups = what_if.assignment(legend) @ whole[:m]
    for name, choice in every.items():
        cosines, lengths = what_if.cosines_with_rows(series.gramians, choice.weights, np.concatenate([whole, groups]))
        cosines, with_groups = cosines[:, : len(whole)], cosines[:, len(whole) :]
        with np.errstate(invalid="ignore"):
            hurt, hurt_groups = cosines[:, :m] < -what_if.HURTS, with_groups < -what_if.HURTS
        # One vector over all layers is a combination of the whole rows only where no layer has weights of its own.
        arrow = plane.of_combinations(choice.weights[at, :1])[0] if scope == "global" else [np.nan] * 3
        combiners.append(
            {
                "name": name,
                "own": name == own,
                "row_weights": choice.row_weights[at].mean(0),
                "length": lengths[at],
                "cosines": cosines[at],
                "hurts": hurt.mean(0),
                "hurts_groups": hurt_groups.mean(0),
                "hurts_any": hurt.any(1).mean(),
                "arrow": arrow,
            }
        )
    return {
        **_place(series, at),
        "scope": scope,
        "rows": legend.rows,
        "num_objectives": m,
        "groups": list(legend.groups),
        "plane": plane.of_rows(),
        "lengths": quantities.norms(total),
        "combiners": combiners,
    }


def folded(runs: dict[str, Series], quantity: str, a: str, b: str, points: int) -> list[dict[str, Any]]:
    """The seeds of each configuration as median and quartiles over runs, on steps that they share.

    Runs are joined by straight lines between their own steps, and counted where they have any.
    """
    configs: dict[str, list[str]] = {}
    for run in runs:
        configs.setdefault(_SEED.sub("", run) or ".", []).append(run)
    groups = []
    for config, members in configs.items():
        having = [run for run in members if has_rows(runs[run].legend, quantity, a, b) and len(runs[run].steps)]
        group = {"config": config, "runs": having, "left_out": [run for run in members if run not in having]}
        groups.append(group | _over_runs([runs[run] for run in having], quantity, a, b, points))
    return groups


def _over_runs(runs: Sequence[Series], quantity: str, a: str, b: str, points: int) -> dict[str, Any]:
    if not runs:
        return {"steps": [], "median": [], "low": [], "high": [], "summary": None}
    longest = max((series.steps for series in runs), key=len)
    steps, _ = thinned(longest, np.zeros(len(longest)), points)
    lines = []
    for series in runs:
        values = quantities.in_all(quantity, series.gramians, series.legend, a, b)
        own, values = thinned(series.steps, values, points, mean=quantity == "conflict")
        known = np.isfinite(values)
        nothing = np.full(len(steps), np.nan)
        within = np.interp(steps, own[known], values[known], np.nan, np.nan) if known.any() else nothing
        lines.append(within)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # steps that no run has stay NaN
        low, median, high = np.nanquantile(lines, (0.25, 0.5, 0.75), 0)
        typical = np.nanmedian(lines, 1)
        summary = {"median": np.nanmedian(typical), "least": np.nanmin(typical), "most": np.nanmax(typical)}
    return {"steps": steps, "median": median, "low": low, "high": high, "summary": summary}


def _time_axis(series: Series, points: int) -> dict[str, Any]:
    count = len(series.steps)
    return {
        "steps": thinned(series.steps, np.zeros(count), points)[0],
        "moments": count,
        "moments_per_point": points_per_bin(count, points),
        "left_out": series.left_out,
        "broken": series.broken,
    }


def _place(series: Series, at: int) -> dict[str, Any]:
    steps = series.steps
    return {
        "step": steps[at],
        "previous": steps[at - 1] if at > 0 else None,
        "next": steps[at + 1] if at + 1 < len(steps) else None,
        "first": steps[0],
        "last": steps[-1],
        "number": at + 1,
        "moments": len(steps),
        "broken": bool(not np.isfinite(series.gramians[at]).all()),
    }


def _one_gramian(name: str, size: int, gramian: np.ndarray, num_objectives: int) -> dict[str, Any]:
    return {
        "name": name,
        "size": size,
        "null_band": quantities.null_band(size),
        "norms": quantities.norms(gramian),
        "cosines": [[quantities.cosine(gramian, i, j) for j in range(len(gramian))] for i in range(len(gramian))],
        "plane": Plane(gramian, num_objectives).of_rows(),
    }


def _nearest(steps: np.ndarray, step: float) -> int:
    return int(np.argmin(np.abs(steps - min(step, steps[-1]))))


def _pair(a: str, b: str) -> str:
    return f"{a} · {b}"
