"""Rows: the gradient of each objective, by itself, with respect to what the tape was told to watch."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rl.gradients.objective import LIVE, At

Weights = Mapping[str, tuple[tf.Tensor, ...]]
Roles = Mapping[str, Weights]
"""{role: weights}: `live`, and every frozen copy by its role."""
Losses = Callable[[Roles], tuple[Mapping[str, tf.Tensor], Any]]
"""A function of the weights by role: ({objective: [] loss to minimise}, anything else worth returning)."""
Gradient = dict[str, tuple[tf.Tensor, ...]]


class Rows(NamedTuple):
    """Gradients of several losses, each by itself.

    losses: {objective: []}; sums: {row: [] the loss that the row is the gradient of}. `gradients[row][place]` mirrors
    the weights there; a place that the row was not declared to reach is missing.
    """

    losses: dict[str, tf.Tensor]
    sums: dict[str, tf.Tensor]
    gradients: dict[str, dict[At, tuple[tf.Tensor, ...]]]
    auxiliary: Any


class LeakError(RuntimeError):
    """A gradient where none was declared, or none where one was."""


def watched_rows(
    losses: Losses,
    roles: Roles,
    reads: Mapping[str, Collection[At]],
    *,
    watch: Collection[str] = (LIVE,),
    sums: Mapping[str, Mapping[str, float]] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Rows:
    """Rows with respect to every watched weight, from one forward pass and a backward pass a row.

    The tape watches the weights of the roles in `watch` and nothing else (`watch_accessed_variables=False`): trainable
    variables, non-trainable ones (a frozen copy) and tensors alike. Rows taken at a copy can be applied to the live
    weights: delayed gradients (Mnih et al. 2016, arXiv:1602.01783).

    Args:
        losses: of the objectives.
        roles: {role: {part: variables or tensors}}.
        reads: {row: the places that its gradient reaches}; it must reach all of their weights and no other.
        sums: {row: {objective: coefficient}}; a row of its own for every objective, if not given.
        names: {part: its weights' names}, for messages; the variables' own, or their numbers, if not given.
    Raises: LeakError naming row and weight where the gradient is not what `reads` says.
    """
    roles = apart(roles, watch)
    weights = places_of(roles, watch)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, auxiliary = losses(roles)
        summed = dict(values) if sums is None else {row: _sum(values, members) for row, members in sums.items()}
    declared = set(reads) if sums is None else {name for members in sums.values() for name in members}
    if set(values) != declared:
        raise LeakError(f"the losses are {sorted(values)}, but objectives {sorted(declared)} are declared.")
    told = place_names(weights, names or {})
    gradients = {row: _row(tape, loss, row, weights, reads[row], told) for row, loss in summed.items()}
    return Rows(dict(values), summed, gradients, auxiliary)


def onto_live(gradient: Mapping[At, tuple[tf.Tensor, ...]]) -> Gradient:
    """{part: gradient}: that at a frozen copy added to that at the live weights, weight by weight."""
    whole = {place.part: tensors for place, tensors in gradient.items() if place.role == LIVE}
    for place, tensors in gradient.items():
        if place.role != LIVE:
            whole[place.part] = tuple(a + b for a, b in zip(whole[place.part], tensors, strict=True))
    return whole


def apart(roles: Roles, watch: Collection[str]) -> Roles:
    """The weights by role, those of watched copies as tensors of their own: a tape gives what goes by two names the sum
    of both gradients.
    """
    return {role: _own(weights) if role in watch and role != LIVE else weights for role, weights in roles.items()}


def places_of(roles: Roles, watch: Collection[str] = (LIVE,)) -> dict[At, tuple[tf.Tensor, ...]]:
    """The weights of some roles, by place."""
    return {At(role, part): tensors for role in watch for part, tensors in roles[role].items()}


def place_names(
    weights: Mapping[At, Sequence[tf.Tensor]], names: Mapping[str, Sequence[str]]
) -> dict[At, tuple[str, ...]]:
    """The names of what is watched: by `names` {part: its weights' names}, the variables' own, or their numbers."""
    return {
        place: tuple(place.name(name) for name in names[place.part])
        if place.part in names
        else tuple(_own_name(weight, place, number) for number, weight in enumerate(tensors))
        for place, tensors in weights.items()
    }


def _sum(values: Mapping[str, tf.Tensor], members: Mapping[str, float]) -> tf.Tensor:
    return tf.add_n([members[name] * loss for name, loss in values.items() if name in members])


def _own(weights: Weights) -> Weights:
    return {part: tuple(map(tf.identity, tensors)) for part, tensors in weights.items()}


def _own_name(weight: tf.Tensor, place: At, number: int) -> str:
    return weight.name.split(":")[0] if isinstance(weight, tf.Variable) else place.name(f"{place.part}/{number}")


def _row(tape, loss, row: str, weights: Mapping[At, tuple], reads: Collection[At], names) -> dict[At, tuple]:
    found = {}
    for place, gradient in tape.gradient(loss, dict(weights)).items():
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
