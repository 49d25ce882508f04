"""The legend of a gradient log, from what its program says of its losses and layers. No TensorFlow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rl.errors import require
from rl.gradient_tags import check_pairs
from rl.tensorboard.gramians import Legend, exceeded_limit


def legend_of(
    objectives: Sequence[str],
    layers: Sequence[str] | Mapping[str, int],
    combiner: str | None,
    coefficients: Mapping[str, float] | None,
    groups: Mapping[str, Sequence[str]] | None,
    extra_rows: Sequence[str],
) -> Legend:
    """The legend of the arguments of `GradientLog`, which describes them.

    Raises: ConfigError for names that are not unique, numbers out of range, and what is too much to show.
    """
    for key, names in (("objectives", objectives), ("layers", layers), ("extra_rows", extra_rows)):
        _check_names(key, names)
    check_pairs(objectives)
    both = sorted({*objectives} & {*extra_rows})
    require(not both, f"extra_rows: {', '.join(both)} is an objective too; names of rows are unique.")
    sizes = tuple(layers.values()) if isinstance(layers, Mapping) else (0,) * len(layers)
    for size in sizes:
        require(isinstance(size, int) and size >= 0, f"layers: a layer has {size!r} weights; it is a whole number.")
    for key, given in (("coefficients", coefficients), ("groups", groups)):
        require(given is None or isinstance(given, Mapping), f"{key}: {given!r:.80} was given; it is a mapping.")
    weights, kinds = dict(coefficients or {}), dict(groups or {name: [name] for name in objectives})
    for name, weight in weights.items():
        require(name in objectives, f"coefficients: {name!r} is no objective; they are {', '.join(objectives)}.")
        require(
            isinstance(weight, int | float) and np.isfinite(weight),
            f"coefficients: {weight!r} was given for {name!r}; a coefficient is a finite number.",
        )
    members = [name for names in kinds.values() for name in names]
    require(
        all(kinds.values()) and {*members} == {*objectives} and len(members) == len({*members}),
        f"groups: {kinds} was given; each has at least one of {', '.join(objectives)}, and each objective is in one.",
    )
    require(combiner is None or isinstance(combiner, str), f"combiner: {combiner!r} was given; it is a name or None.")
    legend = Legend(
        layers=tuple(layers),
        sizes=sizes,
        objectives=tuple(objectives),
        extra_rows=tuple(extra_rows),
        coefficients=tuple(float(weights.get(name, 1.0)) for name in objectives),
        groups={group: tuple(names) for group, names in kinds.items()},
        combiner="sum" if combiner is None else combiner,
    )
    problem = exceeded_limit(legend)
    require(problem is None, f"objectives and layers: they are too many or too long to show: {problem}.")
    return legend


def _check_names(key: str, names: Any) -> None:
    """ConfigError unless these are unique names; of objectives and layers at least one."""
    is_list = not isinstance(names, str) and isinstance(names, Sequence | Mapping)
    require(is_list and all(isinstance(name, str) and name for name in names), f"{key}: {names!r} is no list of names.")
    require(len(names) == len({*names}), f"{key}: {', '.join(names)} was given; names are unique.")
    require(key == "extra_rows" or len(names) > 0, f"{key}: an empty list was given; at least one name is needed.")
    if key == "objectives":
        slashed = [name for name in names if "/" in name]
        require(not slashed, f"objectives: {', '.join(slashed)} has a slash, which separates the parts of a tag.")
