"""The shared weights, and the rows restricted to them."""

from collections.abc import Collection, Iterable, Sequence

import tensorflow as tf

from rl.gradients.gramian import Row
from rl.gradients.objective import At
from rl.gradients.rows import Gradient


def shared_parts(names: Iterable[str], heads: Collection[str], reads: Iterable[Collection[At]]) -> tuple[str, ...]:
    """The parts that more than one group's gradient reaches, without heads and bare parameters.

    Args:
        names: all parts of the network, in order.
        heads: heads and bare parameters.
        reads: for each group, the places that its gradient reaches.
    """
    reached = [{place.part for place in places} for places in reads]
    return tuple(part for part in names if part not in heads and sum(part in parts for parts in reached) > 1)


def shared_rows(gradients: Sequence[Gradient], shared: Sequence[str]) -> list[Row]:
    """Restricts gradients to the shared parts.

    Args:
        gradients: {part: tensors} each; every shared part is in at least one of them.
        shared: names of the shared parts.
    Returns: one row per gradient, its tensors part by part; zeros for a part that the gradient does not reach.
    """
    known = {part: tensors for gradient in reversed(gradients) for part, tensors in gradient.items()}

    def row(gradient: Gradient) -> Row:
        reached = ((part, gradient.get(part)) for part in shared)
        return tuple(
            tensor for part, own in reached for tensor in (own or tuple(tf.zeros_like(x) for x in known[part]))
        )

    return [row(gradient) for gradient in gradients]
