"""The assignment of a step to variables."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from rl.frozen import refuse_frozen
from rl.gradients.rows import Gradient


def apply_step(targets: Mapping[str, Sequence[tf.Variable]], delta: Gradient) -> None:
    """w ← w + Δw on live variables.

    Args:
        targets: {part: variables}.
        delta: Δw, {part: tensors}; target parts that it lacks are left unchanged.
    Raises: ValueError that names the variable, before anything is assigned, if a target belongs to a frozen copy.
    """
    refuse_frozen(variable for part in delta for variable in targets[part])
    for part, steps in delta.items():
        for variable, step in zip(targets[part], steps, strict=True):
            variable.assign_add(step)
