"""The leak audit: which objective's gradient reaches which weight."""

from collections.abc import Collection, Mapping, Sequence

import tensorflow as tf

from rl.gradients.objective import LIVE, Objective
from rl.gradients.rows import LeakError, Losses, Roles, apart, place_names, places_of

NONE, ZERO, NONZERO = "none", "zero", "non-zero"


def audit(
    losses: Losses, roles: Roles, names: Mapping[str, Sequence[str]], watch: Collection[str] = (LIVE,)
) -> dict[str, dict[str, str]]:
    """{objective: {weight: none, zero or non-zero}} for the gradients of all losses with respect to all weights.

    `none` says that there is no path at all; `zero` that there is one, but the gradient vanishes on this batch.

    Args:
        losses, roles, names, watch: as `watched_rows` takes them.
    """
    roles = apart(roles, watch)
    weights = places_of(roles, watch)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, _ = losses(roles)
    told, table = place_names(weights, names), {}
    for objective, loss in values.items():
        gradients = tape.gradient(loss, dict(weights))
        table[objective] = {
            name: _kind(one) for place in told for name, one in zip(told[place], gradients[place], strict=True)
        }
    return table


def check_audit(
    table: Mapping[str, Mapping[str, str]],
    objectives: Sequence[Objective],
    roles: Roles,
    names: Mapping[str, Sequence[str]],
    watch: Collection[str] = (LIVE,),
) -> None:
    """Raises LeakError, naming objective and weight, where the table is not what the objectives declare to read."""
    for objective in objectives:
        for place, told in place_names(places_of(roles, watch), names).items():
            declared = place in objective.places
            for name in told:
                reached = table[objective.name][name] != NONE
                if reached and not declared:
                    reads = [read.name(read.part) for read in objective.places]
                    raise LeakError(f"objective {objective.name!r} leaks into {name!r}; it declares {reads}.")
                if declared and not reached:
                    raise LeakError(
                        f"objective {objective.name!r} does not reach {name!r}, though it declares "
                        f"{place.name(place.part)!r}."
                    )


def _kind(gradient: tf.Tensor | None) -> str:
    if gradient is None:
        return NONE
    return NONZERO if bool(tf.reduce_any(tf.not_equal(gradient, 0))) else ZERO
