"""Frozen copies: non-trainable variables that mirror a group of live weights."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

from rl.vectors import sum_of_squares


def freeze(role: str, weights: Mapping[str, tuple]) -> dict[str, tuple[tf.Variable, ...]]:
    """A frozen copy of live weights: new variables with `trainable=False`, named `frozen/<role>/<name>`.

    A tape watches them only on request. `copy.deepcopy` or a Keras layer with `trainable=False` would not do, since a
    default tape watches the variables of both.

    Args:
        role: behaviour, target, anchor, …
        weights: {part: variables or tensors}; a tensor's variable is named after its part and its index there.
    Returns: {part: variables}, equal to the weights and in the same order.
    """
    return {
        part: tuple(
            tf.Variable(tf.identity(weight), trainable=False, name=f"frozen/{role}/{_name(weight, f'{part}/{index}')}")
            for index, weight in enumerate(tensors)
        )
        for part, tensors in weights.items()
    }


def refuse_frozen(targets: Iterable[tf.Variable]) -> None:
    """Checks that an update rule is given only trainable variables.

    Raises: ValueError that names the first variable with `trainable=False`.
    """
    for variable in targets:
        if not variable.trainable:
            raise ValueError(
                f"the variable {_name(variable, 'without a name')!r} is frozen: an update rule does not move it. "
                "A frozen copy moves by its own schedule alone; give the rule the live weights."
            )


def drift(live: Mapping[str, tuple], copy: Mapping[str, tuple]) -> tf.Tensor:
    """The L2 distance √(Σ |w − w̄|²) between live weights and a copy over all parts, [] float32.

    Args: live, copy: {part: tensors}; the copy has every part of `live`, with the same number of tensors.
    """
    return tf.sqrt(sum_of_squares(a - b for part in live for a, b in zip(live[part], copy[part], strict=True)))


def _name(weight: tf.Variable | tf.Tensor, otherwise: str) -> str:
    """A variable's name without its `:0`; for a tensor, the name `otherwise`."""
    return weight.name.split(":")[0] if isinstance(weight, tf.Variable) else otherwise
