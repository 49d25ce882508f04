"""Schedules of numbers over environment steps: constant, linear, cosine or piecewise constant.

Wherever a config has a number that is an input of programs (a coefficient, a clip, a learning rate), it may have a
schedule instead:

    agent:
      clip: {_target_: rl.schedules.Linear, start: 0.2, end: 0.05, steps: 500_000}
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import tensorflow as tf
from pydantic import Field

from rl.errors import require
from rl.inputs import INPUT, changed
from rl.settings import Number, PositiveNumber, settings


def constant(progress: tf.Tensor) -> tf.Tensor:
    """The factor 1 at every progress."""
    return tf.ones_like(progress)


def linear(progress: tf.Tensor) -> tf.Tensor:
    """1 − progress: from 1 to 0."""
    return 1.0 - progress


def cosine(progress: tf.Tensor) -> tf.Tensor:
    """½ (1 + cos π progress): from 1 to 0, level at both ends (Loshchilov & Hutter 2017, eq. 5, one period)."""
    return 0.5 * (1.0 + tf.cos(math.pi * progress))


SCHEDULES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"constant": constant, "linear": linear, "cosine": cosine}
"""{name: factor in [0, 1] as a function of the progress, [] float32 in [0, 1]}."""


class Schedule:
    """A number as a function of the environment steps done so far."""

    @property
    def knots(self) -> dict[str, float]:
        """{field: value}: the schedule never leaves the range of these values."""
        raise NotImplementedError

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """The scheduled value, [] float32.

        Args: step: environment steps done so far, [] float32.
        """
        raise NotImplementedError


@settings
class Constant(Schedule):
    """The same value at every step."""

    value: Annotated[Number, INPUT]

    @property
    def knots(self) -> dict[str, float]:
        """The value."""
        return {"value": self.value}

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """The value, [] float32."""
        return tf.convert_to_tensor(self.value, tf.float32)


@settings
class Linear(Schedule):
    """Linear interpolation from `start` to `end`, constant afterwards.

    end + (start − end) (1 − p),  p = min(step / steps, 1)
    """

    start: Annotated[Number, INPUT]
    end: Annotated[Number, INPUT]
    steps: Annotated[PositiveNumber, INPUT]
    """Environment steps until `end` is reached, > 0."""

    @property
    def knots(self) -> dict[str, float]:
        """`start` and `end`."""
        return {"start": self.start, "end": self.end}

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """See the class."""
        return self._between(linear(_progress(step, self.steps)))

    def _between(self, factor: tf.Tensor) -> tf.Tensor:
        """`start` at factor 1, `end` at factor 0, and linear in between; [] float32."""
        return self.end + (self.start - self.end) * factor


@settings
class Cosine(Linear):
    """Cosine interpolation from `start` to `end`, with slope 0 at both, constant afterwards.

    end + (start − end) ½ (1 + cos πp),  p = min(step / steps, 1)
    """

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """See the class."""
        return self._between(cosine(_progress(step, self.steps)))


@settings
class Piecewise(Schedule):
    """values[k] from environment step boundaries[k − 1] on, and values[0] before the first boundary.

    Raises: (the constructor) ConfigError unless there is one value more than boundaries, and boundaries increase.
    """

    values: Annotated[Sequence[Number], Field(min_length=2)]
    """At least two values."""
    boundaries: Annotated[Sequence[PositiveNumber], Field(min_length=1)]
    """Environment steps, increasing, each > 0."""

    def __post_init__(self):
        require(
            len(self.values) == len(self.boundaries) + 1,
            f"a piecewise schedule has {len(self.values)} values and {len(self.boundaries)} boundaries; there must be "
            "one value more (values, boundaries).",
        )
        require(
            all(a < b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)),
            f"the boundaries of a piecewise schedule are {list(self.boundaries)}; they must increase (boundaries).",
        )

    @property
    def knots(self) -> dict[str, float]:
        """All values."""
        return {f"values[{place}]": value for place, value in enumerate(self.values)}

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """See the class."""
        passed = tf.reduce_sum(tf.cast(step >= tf.constant(self.boundaries, tf.float32), tf.int32))
        return tf.gather(tf.constant(self.values, tf.float32), passed)


def at_step(settings: Any, step: tf.Tensor) -> Any:
    """Replaces every schedule within a settings object by its value at an environment step.

    Args:
        settings: the settings object; it is not changed.
        step: environment steps done so far, [] float32.
    Returns: the same object if it holds no schedule, else a changed copy.
    """
    new = {name: now for name, value in vars(settings).items() if (now := _now(value, step)) is not value}
    return changed(settings, new) if new else settings


def start_of(number: Any) -> float:
    """The first value of a schedule; for a number, the number itself."""
    return next(iter(number.knots.values())) if isinstance(number, Schedule) else float(number)


def _now(value: Any, step: tf.Tensor) -> Any:
    """The value of a field with every schedule within it replaced; the same object if it holds none."""
    if isinstance(value, Schedule):
        return value.at(step)
    if isinstance(value, Mapping) and any(map(dataclasses.is_dataclass, value.values())):
        return {key: _now(one, step) for key, one in value.items()}
    return at_step(value, step) if dataclasses.is_dataclass(value) else value


def _progress(step: tf.Tensor, steps: Any) -> tf.Tensor:
    """min(step / steps, 1), [] float32."""
    return tf.minimum(step / steps, 1.0)
