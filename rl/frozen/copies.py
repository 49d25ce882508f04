"""Frozen copies: non-trainable variables that mirror a group of live weights."""

from collections.abc import Iterable, Mapping

import tensorflow as tf


def freeze(role: str, weights: Mapping[str, tuple]) -> dict[str, tuple[tf.Variable, ...]]:
    """A frozen copy of live weights: variables of their own, with `trainable=False`, named `frozen/<role>/<name>`.

    Not `copy.deepcopy` and not a Keras layer with `trainable=False`: both leave variables that a default tape watches.

    Args:
        role: behaviour, target, anchor, …
        weights: {part: variables or tensors}.
    """
    return {
        part: tuple(
            tf.Variable(tf.identity(weight), trainable=False, name=f"frozen/{role}/{_name(weight, f'{part}/{index}')}")
            for index, weight in enumerate(tensors)
        )
        for part, tensors in weights.items()
    }


def refuse_frozen(targets: Iterable[tf.Variable]) -> None:
    """Raises ValueError, by name, where an update rule is about to be given a variable that is not trainable."""
    for variable in targets:
        if not variable.trainable:
            raise ValueError(
                f"the variable {_name(variable, 'without a name')!r} is frozen: an update rule does not move it. "
                "A frozen copy moves by its own schedule alone; give the rule the live weights."
            )


def drift(live: Mapping[str, tuple], copy: Mapping[str, tuple]) -> tf.Tensor:
    """The Euclidean distance of all live weights from a copy's, [] float32."""
    squares = [tf.reduce_sum(tf.square(a - b)) for part in live for a, b in zip(live[part], copy[part], strict=True)]
    return tf.sqrt(tf.add_n(squares))


def _name(weight: tf.Variable | tf.Tensor, otherwise: str) -> str:
    return weight.name.split(":")[0] if isinstance(weight, tf.Variable) else otherwise
