"""The leak audit: which objective's gradient reaches which weight.

`audit` measures it on one batch; `check_audit` compares the result with the parts that the objectives declare.
"""

from collections.abc import Collection, Mapping, Sequence

import tensorflow as tf

from rl.gradients.objective import LIVE, Objective
from rl.gradients.rows import LeakError, Losses, Roles, apart, place_names, places_of, require_scalars

NONE, ZERO, NONZERO = "none", "zero", "non-zero"


def audit(
    losses: Losses, roles: Roles, names: Mapping[str, Sequence[str]], watch: Collection[str] = (LIVE,)
) -> dict[str, dict[str, str]]:
    """Classifies the gradient of every loss with respect to every weight.

    `none` means that no path leads from the weight to the loss, `zero` that there is one but every entry of the
    gradient is 0 on this batch, `non-zero` that some entry is not.

    Args:
        losses: the objectives as a function of the weights by role.
        roles: {role: {part: variables or tensors}}.
        names: {part: its weights' names}.
        watch: the roles whose weights are watched.
    Returns: {objective: {weight: none, zero or non-zero}}; weights of a frozen copy are named `<role>/<weight>`.
    Raises: ConfigError for a loss that is no scalar.
    """
    roles = apart(roles, watch)
    weights = places_of(roles, watch)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, _ = losses(roles)
    require_scalars(values)
    names_at, table = place_names(weights, names), {}
    for objective, loss in values.items():
        gradients = tape.gradient(loss, dict(weights))
        table[objective] = {
            name: _kind(gradient)
            for place in names_at
            for name, gradient in zip(names_at[place], gradients[place], strict=True)
        }
    return table


def check_audit(
    table: Mapping[str, Mapping[str, str]],
    objectives: Sequence[Objective],
    roles: Roles,
    names: Mapping[str, Sequence[str]],
    watch: Collection[str] = (LIVE,),
) -> None:
    """Checks that every objective reaches all weights of the parts that it declares to read, and no others.

    A gradient that is `zero` counts as reached: it may be non-zero on another batch.

    Args:
        table: as returned by `audit`.
        objectives: with the parts that each declares.
        roles, names, watch: as passed to `audit`.
    Raises: LeakError that names the first objective and weight for which this fails.
    """
    missing = sorted({objective.name for objective in objectives} - {*table})
    if missing:
        raise LeakError(f"the losses are {sorted(table)}; {', '.join(missing)} is declared, and has none.")
    for objective in objectives:
        for place, weights in place_names(places_of(roles, watch), names).items():
            reads = place in objective.places
            for name in weights:
                reached = table[objective.name][name] != NONE
                if reached and not reads:
                    parts = [read.name(read.part) for read in objective.places]
                    raise LeakError(f"objective {objective.name!r} leaks into {name!r}; it declares {parts}.")
                if reads and not reached:
                    raise LeakError(
                        f"objective {objective.name!r} does not reach {name!r}, though it declares "
                        f"{place.name(place.part)!r}."
                    )


def _kind(gradient: tf.Tensor | None) -> str:
    """`none`, `zero` or `non-zero`; a NaN is non-zero."""
    if gradient is None:
        return NONE
    return NONZERO if bool(tf.reduce_any(tf.not_equal(gradient, 0))) else ZERO
