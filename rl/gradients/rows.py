"""Rows: the separate gradient of each objective, with respect to the weights that a tape watches."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rl.errors import require
from rl.gradients.objective import LIVE, At

Weights = Mapping[str, tuple[tf.Tensor, ...]]
Roles = Mapping[str, Weights]
"""{role: weights}: `live`, and each frozen copy under its role."""
Losses = Callable[[Roles], tuple[Mapping[str, tf.Tensor], Any]]
"""A function of the weights by role that returns ({objective: [] loss to minimise}, diagnostics)."""
Gradient = dict[str, tuple[tf.Tensor, ...]]
"""{part: tensors} that mirror the weights."""


class Rows(NamedTuple):
    """The separate gradients of several losses, and the values of these losses."""

    losses: dict[str, tf.Tensor]
    """{objective: its loss, []}, without coefficient."""
    sums: dict[str, tf.Tensor]
    """{row: the loss whose gradient it is, []}: an objective's, or a weighted sum of several."""
    gradients: dict[str, dict[At, tuple[tf.Tensor, ...]]]
    """{row: {place: tensors that mirror the weights there}}, only for the places that the row is declared to reach."""
    auxiliary: Any
    """The diagnostics that the losses returned."""


class LeakError(RuntimeError):
    """A gradient exists where none was declared, or is missing where one was; the message names row and weight."""


def watched_rows(
    losses: Losses,
    roles: Roles,
    reads: Mapping[str, Collection[At]] | None,
    *,
    watch: Collection[str] = (LIVE,),
    sums: Mapping[str, Mapping[str, float]] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Rows:
    """The rows with respect to every watched weight, from one forward pass and one backward pass per row.

    row_r = ∂/∂w Σ_i c_ri L_i, with the coefficients c_ri of `sums`; by default one row per objective, with c = 1.

    The tape watches the weights of the roles in `watch` and nothing else (`watch_accessed_variables=False`), whether
    trainable variables, non-trainable ones (a frozen copy) or tensors. A row taken at a copy can be applied to the live
    weights: a delayed gradient (Mnih et al. 2016, arXiv:1602.01783).

    Args:
        losses: the objectives as a function of the weights by role.
        roles: {role: {part: variables or tensors}}.
        reads: {row: the places that its gradient reaches}; it must reach all of their weights and no others. None
            declares nothing: a row then has the places that it does reach.
        watch: the roles with respect to whose weights gradients are taken.
        sums: {row: {objective: coefficient}}; None for one row per objective.
        names: {part: its weights' names}, for messages; by default the variables' own names, or indices.
    Returns: the rows, each with the places that `reads` lists for it, or that it reaches if `reads` is None.
    Raises: LeakError, unless nothing is declared, if the objectives are not those declared, or a row reaches other
        weights than `reads` lists.
    """
    roles = apart(roles, watch)
    weights = places_of(roles, watch)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, auxiliary = losses(roles)
        require_scalars(values)
        summed = (
            dict(values) if sums is None else {row: _weighted_sum(values, members) for row, members in sums.items()}
        )
    declared = reads if sums is None else {name for members in sums.values() for name in members}
    if declared is not None and set(values) != set(declared):
        raise LeakError(f"the losses are {sorted(values)}, but objectives {sorted(declared)} are declared.")
    names_at = place_names(weights, names or {})
    gradients = {
        row: _row(tape, loss, row, weights, None if reads is None else reads[row], names_at)
        for row, loss in summed.items()
    }
    return Rows(dict(values), summed, gradients, auxiliary)


def require_scalars(losses: Mapping[str, tf.Tensor]) -> None:
    """Raises ConfigError unless every loss is a scalar: the gradient of a vector would be that of its sum."""
    for name, loss in losses.items():
        shape = tf.convert_to_tensor(loss).shape
        require(
            shape.rank in (0, None), f"objective {name!r} returns a loss of shape {shape}; it must be a scalar, []."
        )


def onto_live(gradient: Mapping[At, tuple[tf.Tensor, ...]]) -> Gradient:
    """The gradient that moves the live weights, {part: tensors}: the sum over all roles, weight by weight.

    Args: gradient: {place: tensors}.
    """
    whole = {place.part: tensors for place, tensors in gradient.items() if place.role == LIVE}
    for place, tensors in gradient.items():
        if place.role != LIVE:
            live = whole.get(place.part)
            whole[place.part] = tensors if live is None else tuple(map(tf.add, live, tensors))
    return whole


def apart(roles: Roles, watch: Collection[str]) -> Roles:
    """The weights by role, with those of watched copies replaced by new tensors of the same value.

    A copy that shares its tensors with the live weights would otherwise get their gradient added to its own.
    """
    return {role: _copied(weights) if role in watch and role != LIVE else weights for role, weights in roles.items()}


def places_of(roles: Roles, watch: Collection[str] = (LIVE,)) -> dict[At, tuple[tf.Tensor, ...]]:
    """The weights of the watched roles, {place: tensors}."""
    return {At(role, part): tensors for role in watch for part, tensors in roles[role].items()}


def place_names(
    weights: Mapping[At, Sequence[tf.Tensor]], names: Mapping[str, Sequence[str]]
) -> dict[At, tuple[str, ...]]:
    """The name of every watched weight, prefixed with its role unless that is `live`.

    Args:
        weights: {place: tensors}.
        names: {part: its weights' names}; a missing part takes its variables' own names, or indices.
    Returns: {place: one name per weight}.
    """
    return {
        place: tuple(place.name(name) for name in names[place.part])
        if place.part in names
        else tuple(_default_name(weight, place, number) for number, weight in enumerate(tensors))
        for place, tensors in weights.items()
    }


def _weighted_sum(values: Mapping[str, tf.Tensor], members: Mapping[str, float]) -> tf.Tensor:
    """Σ_i c_i L_i over the members {objective: c_i}, []."""
    return tf.add_n([members[name] * loss for name, loss in values.items() if name in members])


def _copied(weights: Weights) -> Weights:
    """The weights as new tensors, which a tape distinguishes from the old ones."""
    return {part: tuple(map(tf.identity, tensors)) for part, tensors in weights.items()}


def _default_name(weight: tf.Tensor, place: At, number: int) -> str:
    """A variable's own name, or `<role>/<part>/<number>` for a tensor."""
    return weight.name.split(":")[0] if isinstance(weight, tf.Variable) else place.name(f"{place.part}/{number}")


def _row(tape, loss, row: str, weights: Mapping[At, tuple], reads: Collection[At] | None, names) -> dict[At, tuple]:
    """The gradient of one loss, {place: tensors} for the places in `reads`; LeakError unless it reaches just these.

    With None for `reads`, the places of which it reaches a weight.
    """
    found, gradients = {}, tape.gradient(loss, dict(weights))
    if reads is None:
        reads = [place for place, gradient in gradients.items() if any(one is not None for one in gradient)]
    for place, gradient in gradients.items():
        for one, name in zip(gradient, names[place], strict=True):
            if one is None and place in reads:
                raise LeakError(
                    f"objective {row!r} has no gradient with respect to {name!r}, though it is declared to read "
                    f"{place.name(place.part)!r}. Was the weight watched before it was read, and the loss computed "
                    "under the tape?"
                )
            if one is not None and place not in reads:
                declared = sorted(read.name(read.part) for read in reads)
                raise LeakError(
                    f"objective {row!r} leaks into {name!r}: it is declared to read {declared} alone. "
                    "Stop the gradient, or declare the part."
                )
        if place in reads:
            found[place] = tuple(tf.convert_to_tensor(one) for one in gradient)
    return found
