"""Spaces of observations and actions, and the tensors that their elements are.

An element is a nest of tensors: one tensor for every space but `Dict`, whose element is a dictionary of its spaces'
elements.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class Discrete(NamedTuple):
    """One of n choices, as int64 from 0 to n − 1."""

    n: int


class Box(NamedTuple):
    """An array between bounds of its own shape and type; a bound may be infinite.

    float32, float64 where float32 cannot hold what it is made of, or uint8 for frames, which stay uint8 up to a
    network's first layer.
    """

    low: np.ndarray
    high: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one element."""
        return self.low.shape

    @property
    def dtype(self) -> tf.DType:
        """The type of its numbers."""
        return tf.as_dtype(self.low.dtype)


class MultiDiscrete(NamedTuple):
    """Several choices at once, of n_0, n_1, … each, as int64 [k]."""

    n: tuple[int, ...]


class MultiBinary(NamedTuple):
    """n bits, as int64 [n], 0 or 1."""

    n: int


class Dict(NamedTuple):
    """Elements of several spaces by name."""

    spaces: Mapping[str, Any]


Space = Discrete | Box | MultiDiscrete | MultiBinary | Dict


class Spaces(NamedTuple):
    """What an environment shows and what it takes."""

    observation: Space
    action: Space


def unbounded(shape: Sequence[int], dtype: Any = np.float32) -> Box:
    """The box of all arrays of a shape: float types have infinite bounds, uint8 has 0 and 255."""
    dtype = tf.as_dtype(dtype).as_numpy_dtype
    low, high = (0, 255) if dtype == np.uint8 else (-np.inf, np.inf)
    return Box(np.full(tuple(shape), low, dtype), np.full(tuple(shape), high, dtype))


def spec(space: Space, *leading: int) -> Any:
    """The nest of TensorSpecs of a space's elements, with leading axes in front of each."""
    if isinstance(space, Dict):
        return {name: spec(one, *leading) for name, one in space.spaces.items()}
    if isinstance(space, Box):
        return tf.TensorSpec((*leading, *space.shape), space.dtype)
    inner = {Discrete: (), MultiDiscrete: np.shape(space.n), MultiBinary: (space.n,)}[type(space)]
    return tf.TensorSpec((*leading, *inner), tf.int64)
