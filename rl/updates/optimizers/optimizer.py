"""What every optimizer promises."""

from typing import Annotated, Any, Literal, NamedTuple

import tensorflow as tf

from rl.inputs import INPUT
from rl.settings import PositiveNumber, settings
from rl.updates.schedules import SCHEDULES

Tensors = tuple[tf.Tensor, ...]
Slots = Any  # a named tuple of tensors and of tuples that mirror the weights


class Update(NamedTuple):
    """The steps to add to the weights, one a tensor, and the slots for the next call."""

    steps: Tensors
    slots: Slots


@settings
class Optimizer:
    """A pair of pure functions, `init` and `update`: gradients in, steps Δw out. Nothing is assigned here."""

    learning_rate: Annotated[PositiveNumber, INPUT]
    """α at the start."""
    head_learning_rate: Annotated[PositiveNumber | None, INPUT]
    """α of the heads at the start; None takes `learning_rate`."""
    schedule: Literal["constant", "linear", "cosine"]
    """How α falls over training: constant, linear or cosine."""
    clip_norm: Annotated[PositiveNumber | None, INPUT]
    """Global norm to which shared and head gradients together are clipped before they come here; None does not clip."""
    clip_value: Annotated[PositiveNumber | None, INPUT]
    """Size to which every entry of the gradient is clipped before that; None does not clip."""

    def rates(self, progress: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The learning rates of torso and heads at a progress of training in [0, 1], [] float32 each."""
        factor = SCHEDULES[self.schedule](progress)
        head = self.learning_rate if self.head_learning_rate is None else self.head_learning_rate
        return self.learning_rate * factor, head * factor

    def init(self, weights: Tensors) -> Slots:
        """The slots before the first update."""
        raise NotImplementedError

    def update(self, gradients: Tensors, slots: Slots, weights: Tensors, learning_rates: Tensors) -> Update:
        """The steps for these gradients of something to minimise; one learning rate ([] float) a tensor."""
        raise NotImplementedError


def zeros_like(weights: Tensors) -> Tensors:
    """A slot of zeros for every tensor."""
    return tuple(tf.zeros_like(weight) for weight in weights)
