"""The results of an update rule's stages, from rows to a step, and the assignment of the step."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rl.frozen import refuse_frozen
from rl.gradients.rows import Gradient
from rl.updates.optimizers import Slots


class RuleState(NamedTuple):
    """The state that an update rule carries from one update to the next."""

    slots: Slots
    """The optimizer's slots."""
    combiner: Any
    """The combiner's state; with scope `layer` a tuple with one state per layer."""


class Direction(NamedTuple):
    """A combined gradient, and the losses and Gramians that it comes from."""

    losses: dict[str, tf.Tensor]
    """{objective: its loss, []}."""
    auxiliary: Any
    """The diagnostics that the losses returned."""
    gradient: Gradient
    """{part: tensors} that mirror the live weights."""
    gramian: tf.Tensor | None
    """[L, k, k] float64, of the k groups' rows; None if one backward pass through the total loss was taken."""
    row_weights: tf.Tensor | None
    """[L, k], the combiner's weight of each row in each layer; None if `gramian` is."""


class Step(NamedTuple):
    """The step Δw, and what clipping and schedule contributed to it."""

    delta: Gradient
    """Δw, {part: tensors}, to be added to the live weights."""
    clipped: Gradient
    """The gradient after clipping."""
    norm: tf.Tensor
    """The global norm before clipping, []."""
    clip_factor: tf.Tensor
    """The factor of the clipping by global norm, [] in [0, 1]."""
    learning_rate: tf.Tensor
    """The torso's learning rate, [], before the factors of `optimizer.rates`."""


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
