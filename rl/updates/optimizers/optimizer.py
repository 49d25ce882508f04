"""What every optimizer promises."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import tensorflow as tf

from rl.errors import require
from rl.updates.schedules import SCHEDULES

Tensors = tuple[tf.Tensor, ...]
Slots = Any  # a named tuple of tensors and of tuples that mirror the weights


class Update(NamedTuple):
    """The steps to add to the weights, one a tensor, and the slots for the next call."""

    steps: Tensors
    slots: Slots


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """A pair of pure functions, `init` and `update`: gradients in, steps Δw out. Nothing is assigned here."""

    learning_rate: float
    """α at the start, > 0."""
    head_learning_rate: float | None
    """α of the heads at the start; None takes `learning_rate`."""
    rates: Mapping[str, float]
    """{pattern: a positive factor on the learning rate of what it matches, a part or single weights of it}."""
    schedule: str
    """How α falls over training: constant, linear or cosine."""
    clip_norm: float | None
    """Global norm to which shared and head gradients together are clipped before they come here; None does not clip."""
    clip_value: float | None
    """Size to which every entry of the gradient is clipped before that; None does not clip."""

    def __post_init__(self):
        for key in ("learning_rate", "head_learning_rate", "clip_norm", "clip_value"):
            value = getattr(self, key)
            optional = key != "learning_rate"
            valid = (optional and value is None) or (isinstance(value, int | float) and value > 0)
            require(valid, f"optimizer.{key} is {value}; it must be a positive number{' or null' if optional else ''}.")
        require(
            self.schedule in SCHEDULES, f"optimizer.schedule is {self.schedule!r}; it is one of {', '.join(SCHEDULES)}."
        )
        require(
            isinstance(self.rates, Mapping),
            f"optimizer.rates is {self.rates!r}; it maps patterns of parts to factors, as in {{value: 10}}.",
        )
        for pattern, factor in self.rates.items():
            number = isinstance(factor, int | float) and not isinstance(factor, bool)
            require(
                number and math.isfinite(factor) and factor > 0,
                f"optimizer.rates.{pattern} is {factor!r}; it must be a positive, finite number.",
            )

    def learning_rates(self, progress: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The learning rates of torso and heads at a progress of training in [0, 1], [] float32 each.

        The factors of `rates` are not in them; `factors` has those.
        """
        factor = SCHEDULES[self.schedule](progress)
        return self.learning_rate * factor, (self.head_learning_rate or self.learning_rate) * factor

    def factors(self, names: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[float, ...]]:
        """The factor on every weight's learning rate: the product over the patterns of `rates` that match it.

        A pattern (`fnmatch`, case-sensitive) matches all weights of a part by the part's name, `value`, or single
        weights by theirs, `value/*` or `*/bias`.

        Args:
            names: {part: names of its weights} of the whole network.

        Returns: {part: a factor for each of its weights}.
        Raises: ConfigError where a pattern matches nothing.
        """
        for pattern in self.rates:
            require(
                any(_matches(pattern, part, name) for part, weights in names.items() for name in weights),
                f"optimizer.rates has the pattern {pattern!r}, which matches no part of the network; the parts are "
                f"{', '.join(names)}, and weights are named as {next(iter(names.values()))[0]} is.",
            )
        return {
            part: tuple(
                math.prod(factor for pattern, factor in self.rates.items() if _matches(pattern, part, name))
                for name in weights
            )
            for part, weights in names.items()
        }

    def init(self, weights: Tensors) -> Slots:
        """The slots before the first update."""
        raise NotImplementedError

    def update(self, gradients: Tensors, slots: Slots, weights: Tensors, learning_rates: Tensors) -> Update:
        """The steps for these gradients of something to minimise; one learning rate ([] float) a tensor."""
        raise NotImplementedError


def _matches(pattern: str, part: str, name: str) -> bool:
    return fnmatchcase(part, pattern) or fnmatchcase(name, pattern)


def zeros_like(weights: Tensors) -> Tensors:
    """A slot of zeros for every tensor."""
    return tuple(tf.zeros_like(weight) for weight in weights)
