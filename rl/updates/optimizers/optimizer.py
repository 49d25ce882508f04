"""The base of all optimizers: learning rates, clipping thresholds and the (init, update) pair."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import tensorflow as tf

from rl.inputs import INPUT
from rl.patterns import masks_of
from rl.schedules import SCHEDULES
from rl.settings import PositiveNumber, settings

Tensors = tuple[tf.Tensor, ...]
Slots = Any
"""An optimizer's state: a named tuple of tensors and of tuples that mirror the weights."""


class Update(NamedTuple):
    """The result of an optimizer's update."""

    steps: Tensors
    """Δw, one tensor per weight, to be added to the weights."""
    slots: Slots
    """The slots for the next call."""


@settings
class Optimizer:
    """A pair of pure functions: `init` returns slots, `update` turns gradients and slots into steps Δw and slots.

    Nothing is assigned here. A tensor's learning rate is the α of its part (torso or head), times the factor of the
    schedule and the factors of the patterns in `rates` that match it.
    """

    learning_rate: Annotated[PositiveNumber, INPUT]
    """α at the start of training, > 0."""
    head_learning_rate: Annotated[PositiveNumber | None, INPUT]
    """α of the heads at the start of training; None for `learning_rate`."""
    rates: Annotated[Mapping[str, PositiveNumber], INPUT]
    """{pattern: factor on the learning rate of the parts or weights that it matches}; see `factors`."""
    schedule: Literal["constant", "linear", "cosine"]
    """The schedule by which α decays to 0 over training, or `constant`."""
    clip_norm: Annotated[PositiveNumber | None, INPUT]
    """Largest global norm of shared and head gradients together, clipped before `update`; None does not clip."""
    clip_value: Annotated[PositiveNumber | None, INPUT]
    """Largest magnitude of an entry of the gradient, clipped before the norm is taken; None does not clip."""

    def learning_rates(self, progress: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The learning rates of torso and heads under the schedule, without the factors of `rates`.

        Args: progress: fraction of the run's environment steps done, [] float32 in [0, 1].
        Returns: (torso's, heads'), [] float32 each.
        """
        factor = SCHEDULES[self.schedule](progress)
        head = self.learning_rate if self.head_learning_rate is None else self.head_learning_rate
        return self.learning_rate * factor, head * factor

    def factors(self, names: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[float, ...]]:
        """The factor on each weight's learning rate: the product over all patterns of `rates` that match it, else 1.

        A pattern (`fnmatch`, case-sensitive) is matched against the name of the part, `value`, which selects all of its
        weights, and against the weight's own name, `value/*` or `*/bias`.

        Args: names: {part: names of its weights} of the whole network.
        Returns: {part: one factor per weight}.
        Raises: ConfigError if a pattern matches nothing.
        """
        found = masks_of(self.rates, names, key="optimizer.rates")
        return {
            part: tuple(
                math.prod(factor for pattern, factor in self.rates.items() if found[pattern][part][place])
                for place in range(len(weights))
            )
            for part, weights in names.items()
        }

    def init(self, weights: Tensors) -> Slots:
        """The slots before the first update of weights of these shapes."""
        raise NotImplementedError

    def update(self, gradients: Tensors, slots: Slots, weights: Tensors, learning_rates: Tensors) -> Update:
        """One update: the steps that decrease the loss, and the next slots.

        Args:
            gradients: g of a loss to minimise, clipped; one tensor per weight.
            slots: as returned by `init` or the previous call.
            weights: the weights before the step, for weight decay.
            learning_rates: α, one [] float per weight.
        """
        raise NotImplementedError


def zeros_like(weights: Tensors) -> Tensors:
    """One tensor of zeros per weight, of its shape and dtype."""
    return tuple(tf.zeros_like(weight) for weight in weights)
