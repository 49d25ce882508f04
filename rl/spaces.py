"""Observation and action spaces, and the tensors that represent their elements.

An element is a nest of tensors: a dictionary of elements for `Dict`, one tensor for every other space.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class Discrete(NamedTuple):
    """One of n choices, an int64 from 0 to n − 1."""

    n: int
    """Number of choices, ≥ 1."""


class Box(NamedTuple):
    """An array between two bounds of the same shape and dtype.

    The dtype is float32; float64 if float32 cannot represent the environment's own values; or uint8 for frames, which
    stay uint8 up to a network's first layer.
    """

    low: np.ndarray
    """Lower bound, which may be −∞."""
    high: np.ndarray
    """Upper bound, which may be ∞."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one element."""
        return self.low.shape

    @property
    def dtype(self) -> tf.DType:
        """The dtype of an element."""
        return tf.as_dtype(self.low.dtype)


class MultiDiscrete(NamedTuple):
    """k simultaneous choices, the i-th of n_i options, as int64 [k]."""

    n: tuple[int, ...]


class MultiBinary(NamedTuple):
    """n bits, as int64 [n] of 0 and 1."""

    n: int


class Dict(NamedTuple):
    """One element of each of several named spaces."""

    spaces: Mapping[str, Any]


Space = Discrete | Box | MultiDiscrete | MultiBinary | Dict


class Spaces(NamedTuple):
    """The observation space and the action space of an environment."""

    observation: Space
    action: Space


def same(one: Space, other: Space) -> bool:
    """Whether two spaces have the same elements; boxes are compared with their bounds and dtypes."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Dict):
        return one.spaces.keys() == other.spaces.keys() and all(
            same(space, other.spaces[name]) for name, space in one.spaces.items()
        )
    if isinstance(one, Box):
        return one.dtype == other.dtype and all(map(np.array_equal, one, other))
    return one == other


def unbounded(shape: Sequence[int], dtype: Any = np.float32) -> Box:
    """The box of all arrays of a shape: its bounds are infinite for float dtypes, 0 and 255 for uint8."""
    dtype = tf.as_dtype(dtype).as_numpy_dtype
    low, high = (0, 255) if dtype == np.uint8 else (-np.inf, np.inf)
    return Box(np.full(tuple(shape), low, dtype), np.full(tuple(shape), high, dtype))


def spec(space: Space, *leading: int) -> Any:
    """The nest of TensorSpecs of a space's elements, each with the given leading axes."""
    if isinstance(space, Dict):
        return {name: spec(one, *leading) for name, one in space.spaces.items()}
    if isinstance(space, Box):
        return tf.TensorSpec((*leading, *space.shape), space.dtype)
    inner = {Discrete: (), MultiDiscrete: np.shape(space.n), MultiBinary: (space.n,)}[type(space)]
    return tf.TensorSpec((*leading, *inner), tf.int64)
