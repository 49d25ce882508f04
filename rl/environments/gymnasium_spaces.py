"""Gymnasium's spaces as the protocol's."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from gymnasium import spaces

from rl.environments.protocol import Box, Discrete
from rl.errors import ConfigError

Observe = Callable[[np.ndarray], np.ndarray]


def observations(space: spaces.Space, id: str) -> tuple[Observe, tuple[int, ...], tf.DType]:
    """What turns a batch of the space's observations into an array of fixed shape and type, and these two.

    The type is float32 where it holds every number of the space's own (bool, float16, integers of 8 and 16 bits), else
    float64: what lies far from 0 is told apart until the statistics have been subtracted.

    Raises: ConfigError for a space that is neither Box nor Discrete.
    """
    if isinstance(space, spaces.Discrete):
        start, count = int(space.start), int(space.n)
        identity = np.eye(count, dtype=np.float32)
        return (lambda batch: identity[np.asarray(batch) - start]), (count,), tf.float32
    if isinstance(space, spaces.Box) and (space.dtype == np.bool_ or np.issubdtype(space.dtype, np.number)):
        dtype = np.float32 if np.can_cast(space.dtype, np.float32) else np.float64
        return (lambda batch: np.array(batch, dtype)), tuple(space.shape), tf.as_dtype(dtype)
    raise ConfigError(
        f"environment {id!r} has observations of kind {space}; supported are Box and Discrete "
        "(environment.id; wrap the environment to change its observations)."
    )


def actions(space: spaces.Space, id: str) -> tuple[Discrete | Box, Callable[[np.ndarray], np.ndarray]]:
    """The protocol's action space, and what turns a batch of its actions into Gymnasium's.

    A Box's actions are clipped in the space's own type: float32 bounds may lie outside of those that they round.

    Raises: ConfigError for a space that is neither Discrete nor a flat Box of floats.
    """
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return Discrete(int(space.n)), (lambda batch: batch + start)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and len(space.shape) == 1:
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        return Box(low, high), (lambda batch: np.clip(batch.astype(space.dtype), space.low, space.high))
    raise ConfigError(
        f"environment {id!r} has actions of kind {space}; supported are Discrete and flat Box of floats "
        "(environment.id; wrap the environment to change its actions)."
    )
