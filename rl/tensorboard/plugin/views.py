"""The data of each page of the tab, as pure functions from series of Gramians to plain dicts and lists."""

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

MAX_LAYERS = 200
"""Limit on the layers in an answer; `num_layers` says how many the run has."""


def listing(run: str, found: Listing, name: Name) -> dict[str, Any]:
    """An entry of the list of runs: the run's name, why it cannot be drawn (or None), and its legend.

    `version` changes whenever the run gains a moment. In the legend, `layers` is their number and `sizes` their
    sum, since the list needs no more.
    """
    legend = found.legend
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
        "problem": found.problem,
        "max_step": found.max_step,
        "version": f"{found.max_step} {found.max_wall_time!r}",
        "legend": described or None,
    }


def layers(series: Series, quantity: str, a: str, b: str, points: int) -> dict[str, Any]:
    """Layers × time: a quantity in every layer over time.

    Args:
        quantity, a, b: as `quantities.by_layer` takes them.
        points: the largest number of points in time.

    Returns: the time axis; `values` [L, points] and `total` [points], over all shared weights; names, `sizes` and
        `null_bands` (2/√P) of the first `MAX_LAYERS` layers.
    """
    legend, mean = series.legend, quantity == "conflict"
    every = quantities.by_layer(quantity, series.gramians, legend, a, b)
    whole = quantities.overall(quantity, series.gramians, legend, a, b)
    return {
        **_time_axis(series, points),
        "quantity": quantity,
        "a": a,
        "b": b,
        "layers": legend.layers[:MAX_LAYERS],
        "num_layers": len(legend.layers),
        "sizes": legend.sizes[:MAX_LAYERS],
        "null_bands": [quantities.null_band(size) for size in legend.sizes[:MAX_LAYERS]],
        "null_band": quantities.null_band(sum(legend.sizes)),
        "values": thinned(series.steps, every[:, :MAX_LAYERS], points, mean=mean)[1].T,
        "total": thinned(series.steps, whole, points, mean=mean)[1],
    }


def moment(series: Series, step: float) -> dict[str, Any]:
    """Moment: norms, cosines and arrows of the rows at the moment nearest to a step.

    Returns: the moment's place; `rows` and `coefficients`; `total`, over all shared weights, and `layers`, for the
        first `MAX_LAYERS` of them, each as `_one_gramian` describes it.
    """
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
            for layer, size, gramian in zip(legend.layers, legend.sizes, gramians[:MAX_LAYERS], strict=False)
        ],
        "num_layers": len(legend.layers),
    }


def alternatives(series: Series, every: dict[str, what_if.Choices], step: float, scope: str) -> dict[str, Any]:
    """What if: the choice of every combiner at the moment nearest to a step, and how often it hurts an objective.

    Args:
        every: {combiner: its choices}, as returned by `what_if.choices`.
        scope: scope of the choices, `global` or `layer`.

    Returns: the moment's place; `plane` [R, 3] and `lengths` [R] of the rows over all shared weights; for each of
        `combiners` its name, whether it is the run's `own`, its `row_weights` [k] (the mean over layers), its `arrow`
        [3] in the same plane (NaN with scope `layer`), and the result of `_hurt`.
    """
    at, legend, own = _nearest(series.steps, step), series.legend, what_if.own_rule(series.legend)
    m, total = len(legend.objectives), series.gramians[at].sum(0)
    plane = Plane(total, m)

    def combiner(name: str, choice: what_if.Choices) -> dict[str, Any]:
        # A direction is one combination of the rows over all layers only if all layers have the same weights.
        arrow = plane.combinations(choice.weights[at, :1])[0] if scope == "global" else [np.nan] * 3
        row_weights = choice.row_weights[at].mean(0)
        return {
            "name": name,
            "own": name == own,
            "row_weights": row_weights,
            "arrow": arrow,
            **_hurt(series, choice, at),
        }

    return {
        **_place(series, at),
        "scope": scope,
        "rows": legend.rows,
        "num_objectives": m,
        "groups": list(legend.groups),
        "plane": plane.rows(),
        "lengths": quantities.norms(total),
        "combiners": [combiner(name, choice) for name, choice in every.items()],
    }


def _hurt(series: Series, choice: what_if.Choices, at: int) -> dict[str, Any]:
    """The norm of a combiner's direction and its cosines with all rows at a moment, and how often it hurts.

    hurts, hurts_groups: fraction of all moments in which the direction hurts each objective and each group's row.
    hurts_any: fraction in which it hurts at least one objective.
    """
    legend = series.legend
    m, rows = len(legend.objectives), np.eye(len(legend.rows))
    vectors = np.concatenate([rows, what_if.assignment(legend) @ rows[:m]])
    cosines, lengths = what_if.cosines_with_rows(series.gramians, choice.weights, vectors)
    with np.errstate(invalid="ignore"):
        hurt = cosines < -what_if.HURTS
    return {
        "length": lengths[at],
        "cosines": cosines[at, : len(rows)],
        "hurts": hurt[:, :m].mean(0),
        "hurts_groups": hurt[:, len(rows) :].mean(0),
        "hurts_any": hurt[:, :m].any(1).mean(),
    }


def folded(
    settings: Mapping[str, Mapping[str, Series]], quantity: str, a: str, b: str, points: int
) -> list[dict[str, Any]]:
    """Runs: a quantity of each setting over time, as median and quartiles over its seeds at common steps.

    Args:
        settings: {setting: {run: series}}.
        quantity, a, b: as `quantities.overall` takes them; runs without these rows are listed as left out.
        points: the largest number of points in a line.

    Returns: for each setting the `runs` that are drawn and those `left_out`, the curves `low`, `median` and `high` at
        `steps`, and a `summary` of the whole run.
    """
    groups = []
    for config, runs in settings.items():
        kept = [run for run, series in runs.items() if has_rows(series.legend, quantity, a, b) and len(series.steps)]
        group = {"config": config, "runs": kept, "left_out": [run for run in runs if run not in kept]}
        groups.append(group | _over_runs([runs[run] for run in kept], quantity, a, b, points))
    return groups


def _over_runs(runs: Sequence[Series], quantity: str, a: str, b: str, points: int) -> dict[str, Any]:
    """Curves over the seeds of one setting, and a summary: median, minimum and maximum of the seeds' typical values."""
    if not runs:
        return {"steps": [], "median": [], "low": [], "high": [], "summary": None}
    longest = max((series.steps for series in runs), key=len)
    steps, _ = thinned(longest, np.zeros(len(longest)), points)
    every = [quantities.overall(quantity, series.gramians, series.legend, a, b) for series in runs]
    mean = quantity == "conflict"
    curves = [thinned(series.steps, values, points, mean=mean) for series, values in zip(runs, every, strict=True)]
    low, median, high = quartiles(curves, steps)
    by_run = [typical(values) for values in every]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all runs may be NaN
        summary = {"median": np.nanmedian(by_run), "least": np.nanmin(by_run), "most": np.nanmax(by_run)}
    return {"steps": steps, "median": median, "low": low, "high": high, "summary": summary}


def _time_axis(series: Series, points: int) -> dict[str, Any]:
    """The steps of the thinned points, and the number of moments behind each."""
    count = len(series.steps)
    return {
        "steps": thinned(series.steps, np.zeros(count), points)[0],
        "moments": count,
        "moments_per_point": points_per_bin(count, points),
        "left_out": series.left_out,
        "broken": series.broken,
    }


def _place(series: Series, at: int) -> dict[str, Any]:
    """The position of a moment in its series, for the buttons and the slider."""
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
    """Norms [R], cosines [R, R] and arrows [R, 3] of the rows in one layer."""
    return {
        "name": name,
        "size": size,
        "null_band": quantities.null_band(size),
        "norms": quantities.norms(gramian),
        "cosines": [[quantities.cosine(gramian, i, j) for j in range(len(gramian))] for i in range(len(gramian))],
        "plane": Plane(gramian, num_objectives).rows(),
    }


def _nearest(steps: np.ndarray, step: float) -> int:
    """The index of the moment nearest to a step; any step beyond the last means the last."""
    return int(np.argmin(np.abs(steps - min(step, steps[-1]))))
