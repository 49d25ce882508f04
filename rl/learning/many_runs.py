"""The axis of several runs in one program: a leading axis of length S in every tensor but scalars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class Runs:
    """A leading axis of S runs; see `Axis`. Functions of one run are batched by `tf.vectorized_map`."""

    def __init__(self, num_runs: int):
        """num_runs: S, ≥ 1."""
        self.num_runs, self.shape = num_runs, (num_runs,)

    def each(self, function):
        """See `Axis.each`. An operation that cannot be batched raises an error rather than running in a loop over runs.

        Scalars stay out of the batching, so whatever depends on them alone is computed once for all runs.
        """

        def of_all(*arguments):
            """The function on nests with a leading axis of runs."""
            flat = tf.nest.flatten(arguments)
            places = [place for place, x in enumerate(flat) if tf.convert_to_tensor(x).shape.rank > 0]

            def one(batched):
                """The function on one run's tensors, with the scalars put back in their places."""
                whole = list(flat)
                for place, x in zip(places, batched, strict=True):
                    whole[place] = x
                return function(*tf.nest.pack_sequence_as(arguments, whole))

            return tf.vectorized_map(one, [flat[place] for place in places], fallback_to_while_loop=False)

        return of_all

    def stack(self, runs):
        """See `Axis.stack`: [...] for each run → [S, ...]."""
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
        """See `Axis.spec`: [...] → [S, ...]."""
        return tf.TensorSpec((self.num_runs, *spec.shape), spec.dtype)


def _stacked(arrays: Sequence[Any]) -> Any:
    """One array [S, ...] of S arrays [...]: NumPy's if they are, else a tensor."""
    return np.stack(arrays) if isinstance(arrays[0], np.ndarray | np.generic) else tf.stack(arrays)


def _moved(x: tf.Tensor, start: int, end: int) -> tf.Tensor:
    """The tensor with one axis moved from position `start` to `end`; the others keep their order."""
    if start == end:
        return x
    axes = [axis for axis in range(x.shape.rank) if axis != start]
    axes.insert(end, start)
    return tf.transpose(x, axes)
