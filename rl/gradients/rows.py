"""Rows: the gradient of each objective, by itself, with respect to what the tape was told to watch."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

Weights = Mapping[str, tuple[tf.Tensor, ...]]
Gradient = dict[str, tuple[tf.Tensor, ...]]


class Rows(NamedTuple):
    """Gradients of several losses, each by itself.

    `gradients[objective][part]` mirrors `weights[part]`; a part that the objective was not declared to read is missing.
    """

    losses: dict[str, tf.Tensor]
    gradients: dict[str, Gradient]
    auxiliary: Any


class LeakError(RuntimeError):
    """A gradient where none was declared, or none where one was."""


def watched_rows(
    losses: Callable[[Weights], tuple[Mapping[str, tf.Tensor], Any]],
    weights: Weights,
    reads: Mapping[str, Collection[str]],
    names: Mapping[str, tuple[str, ...]] | None = None,
) -> Rows:
    """The gradient of every loss with respect to every weight, from one forward pass and a backward pass a loss.

    The tape watches `weights` and nothing else (`watch_accessed_variables=False`): trainable variables, non-trainable
    ones (a frozen copy) and tensors alike. Rows taken at a copy can be applied to the live weights: delayed gradients
    (Mnih et al. 2016, arXiv:1602.01783).

    Args:
        losses: a function of the weights: ({objective: [] loss to minimise}, anything else worth returning).
        weights: {part: variables or tensors} to watch.
        reads: for every objective the parts that its gradient reaches; it must reach all of their weights and no other.
        names: the weights' names, for messages; the variables' own, or their places, if not given.
    Raises: LeakError naming objective and weight where the gradient is not what `reads` says.
    """
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(weights))
        values, auxiliary = losses(weights)
    names = names or weight_names(weights)
    if set(values) != set(reads):
        raise LeakError(f"the losses are {sorted(values)}, but objectives {sorted(reads)} are declared.")
    gradients = {name: _row(tape, loss, name, weights, reads[name], names) for name, loss in values.items()}
    return Rows(dict(values), gradients, auxiliary)


def onto_live(gradient: Gradient) -> Gradient:
    """A gradient with its parts at a frozen copy, `<role>/<part>`, added to the live `<part>`, weight by weight."""
    whole = {part: tensors for part, tensors in gradient.items() if "/" not in part}
    for part, tensors in gradient.items():
        if "/" in part:
            live = part.split("/", 1)[1]
            whole[live] = tuple(a + b for a, b in zip(whole[live], tensors, strict=True))
    return whole


def _row(tape, loss, objective: str, weights: Weights, reads: Collection[str], names) -> Gradient:
    row = {}
    for part, gradient in tape.gradient(loss, dict(weights)).items():
        for one, name in zip(gradient, names[part], strict=True):
            if one is None and part in reads:
                raise LeakError(
                    f"objective {objective!r} has no gradient with respect to {name!r}, though it is declared to read "
                    f"{part!r}. Was the weight watched before it was read, and the loss computed under the tape?"
                )
            if one is not None and part not in reads:
                raise LeakError(
                    f"objective {objective!r} leaks into {name!r}: it is declared to read {sorted(reads)} alone. "
                    "Stop the gradient, or declare the part."
                )
        if part in reads:
            row[part] = tuple(tf.convert_to_tensor(one) for one in gradient)
    return row


def weight_names(weights: Weights) -> dict[str, tuple[str, ...]]:
    """The variables' names, or `part/place` for tensors."""
    return {
        part: tuple(
            weight.name.split(":")[0] if isinstance(weight, tf.Variable) else f"{part}/{place}"
            for place, weight in enumerate(tensors)
        )
        for part, tensors in weights.items()
    }
