"""Several runs in one program, batched over a leading axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class Runs:
    """A leading axis of S runs. What is written for one run is batched by `tf.vectorized_map`."""

    def __init__(self, num_runs: int):
        self.num_runs, self.shape = num_runs, (num_runs,)

    def each(self, function):
        """See `Axis.each`."""

        def of_all(*arguments):
            flat = tf.nest.flatten(arguments)
            places = [place for place, x in enumerate(flat) if tf.convert_to_tensor(x).shape.rank > 0]

            def one(batched):
                whole = list(flat)
                for place, x in zip(places, batched, strict=True):
                    whole[place] = x
                return function(*tf.nest.pack_sequence_as(arguments, whole))

            return tf.vectorized_map(one, [flat[place] for place in places], fallback_to_while_loop=False)

        return of_all

    def stack(self, runs):
        """[S, ...]."""
        return tf.nest.map_structure(lambda *arrays: _stacked(arrays), *runs)

    def take(self, array, run, *, axis=0):
        """See `Axis.take`."""
        return array[(slice(None),) * axis + (run,)] if len(array.shape) else array

    def merge(self, x, *, axis=0):
        """See `Axis.merge`."""
        x = _moved(x, 0, axis)
        return tf.reshape(x, (*x.shape[:axis], -1, *x.shape[axis + 2 :]))

    def split(self, x, *, axis=0):
        """See `Axis.split`."""
        x = tf.reshape(x, (*x.shape[:axis], self.num_runs, -1, *x.shape[axis + 1 :]))
        return _moved(x, axis, 0)

    def spec(self, spec):
        """[S, ...]."""
        return tf.TensorSpec((self.num_runs, *spec.shape), spec.dtype)


def _stacked(arrays: Sequence[Any]) -> Any:
    return np.stack(arrays) if isinstance(arrays[0], np.ndarray | np.generic) else tf.stack(arrays)


def _moved(x: tf.Tensor, start: int, end: int) -> tf.Tensor:
    """The tensor with one of its axes moved from place `start` to `end`."""
    if start == end:
        return x
    axes = [axis for axis in range(x.shape.rank) if axis != start]
    axes.insert(end, start)
    return tf.transpose(x, axes)
