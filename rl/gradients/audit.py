"""The leak audit: which objective's gradient reaches which weight."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from rl.gradients.objective import Objective
from rl.gradients.rows import LeakError, Weights

NONE, ZERO, NONZERO = "none", "zero", "non-zero"


def audit(
    losses: Callable[[Weights], tuple[Mapping[str, tf.Tensor], Any]],
    weights: Weights,
    names: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, str]]:
    """{objective: {weight: none, zero or non-zero}} for the gradients of all losses with respect to all weights.

    `none` says that there is no path at all; `zero` that there is one, but the gradient vanishes on this batch.
    """
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, _ = losses(weights)
    table = {}
    for objective, loss in values.items():
        gradients = tape.gradient(loss, dict(weights))
        table[objective] = {
            name: _kind(one) for part in names for name, one in zip(names[part], gradients[part], strict=True)
        }
    return table


def check_audit(
    table: Mapping[str, Mapping[str, str]], objectives: Sequence[Objective], names: Mapping[str, Sequence[str]]
) -> None:
    """Raises LeakError, naming objective and weight, where the table is not what the objectives declare to read."""
    for objective in objectives:
        for part, part_names in names.items():
            for name in part_names:
                reached = table[objective.name][name] != NONE
                if reached and part not in objective.reads:
                    raise LeakError(
                        f"objective {objective.name!r} leaks into {name!r}; it declares {list(objective.reads)}."
                    )
                if not reached and part in objective.reads:
                    raise LeakError(
                        f"objective {objective.name!r} does not reach {name!r}, though it declares {part!r}."
                    )


def _kind(gradient: tf.Tensor | None) -> str:
    if gradient is None:
        return NONE
    return NONZERO if bool(tf.reduce_any(tf.not_equal(gradient, 0))) else ZERO
