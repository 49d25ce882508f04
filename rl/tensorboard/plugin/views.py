"""What each view of the tab draws, in numbers: from series of Gramians to plain lists. Nothing here reads or writes."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rl.reductions import typical
from rl.tensorboard.plugin import quantities, what_if
from rl.tensorboard.plugin.names import Name
from rl.tensorboard.plugin.plane import Plane
from rl.tensorboard.plugin.request import has_rows
from rl.tensorboard.plugin.source import Listing, Series
from rl.tensorboard.plugin.thinning import points_per_bin, quartiles, thinned

MOST_LAYERS = 200
"""More are not sent; the answer says how many there are."""


def listing(run: str, of: Listing, name: Name) -> dict[str, Any]:
    """A run in the list of runs: what it is called, whether it can be drawn, what its axes mean."""
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
        **name._asdict(),
        "problem": of.problem,
        "max_step": of.max_step,
        "version": f"{of.max_step} {of.max_wall_time!r}",
        "legend": described or None,
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


def folded(
    settings: Mapping[str, Mapping[str, Series]], quantity: str, a: str, b: str, points: int
) -> list[dict[str, Any]]:
    """The seeds of each setting as median and quartiles over runs, on steps that they share.

    Args:
        settings: {setting: {run: series}}.
    """
    groups = []
    for config, runs in settings.items():
        having = [run for run, of in runs.items() if has_rows(of.legend, quantity, a, b) and len(of.steps)]
        group = {"config": config, "runs": having, "left_out": [run for run in runs if run not in having]}
        groups.append(group | _over_runs([runs[run] for run in having], quantity, a, b, points))
    return groups


def _over_runs(runs: Sequence[Series], quantity: str, a: str, b: str, points: int) -> dict[str, Any]:
    if not runs:
        return {"steps": [], "median": [], "low": [], "high": [], "summary": None}
    longest = max((series.steps for series in runs), key=len)
    steps, _ = thinned(longest, np.zeros(len(longest)), points)
    every = [quantities.in_all(quantity, series.gramians, series.legend, a, b) for series in runs]
    mean = quantity == "conflict"
    curves = [thinned(series.steps, values, points, mean=mean) for series, values in zip(runs, every, strict=True)]
    low, median, high = quartiles(curves, steps)
    by_run = [typical(values) for values in every]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no run has a number
        summary = {"median": np.nanmedian(by_run), "least": np.nanmin(by_run), "most": np.nanmax(by_run)}
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
