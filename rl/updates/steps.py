"""The results of an update rule's stages, from rows to a step."""

from typing import Any, NamedTuple

import tensorflow as tf

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
