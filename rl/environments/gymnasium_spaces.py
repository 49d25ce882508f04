"""Conversion of Gymnasium's spaces, observations and actions to the protocol's."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from gymnasium import spaces

from rl.errors import ConfigError
from rl.spaces import Box, Discrete

Observe = Callable[[np.ndarray], np.ndarray]
"""Converts a batch of Gymnasium's observations to the protocol's."""


def observations(space: spaces.Space, id: str) -> tuple[Observe, tuple[int, ...], tf.DType]:
    """The conversion of a space's observations, and the shape and dtype of the result.

    A `Discrete` observation becomes a one-hot vector. The dtype is float32 if it holds every value of the space's own
    dtype (bool, float16, 8- and 16-bit integers), else float64: values far from 0 must stay distinct until the
    normalizer has subtracted their mean.

    Args: space: the space of one environment; id: the environment's id, for the message.
    Returns: (conversion of a batch [N, ...], shape of one observation, dtype).
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
    """The protocol's action space, and the conversion of a batch of its actions to Gymnasium's.

    Actions of a `Box` are clipped to its bounds in the space's own dtype, since bounds rounded to float32 may lie
    outside the space. Actions of a `Discrete` are shifted by its start.

    Args: space: the space of one environment; id: the environment's id, for the message.
    Returns: (action space, conversion of a batch [N] or [N, d]).
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
