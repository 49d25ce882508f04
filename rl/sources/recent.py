"""The samples of the last few iterations, split into minibatches."""

import collections
import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl.sources.source import Epochs, Orders


class Recent(NamedTuple):
    """Uses every sample of the last `iterations` iterations `epochs` times, in minibatches without replacement.

    It keeps the batches of an earlier phase exactly as that phase prepared them: PPG's auxiliary phase learns from the
    value targets of its policy phase (Cobbe et al. 2021, arXiv:2009.04416, algorithm 1). Batches of iterations that
    have not happened yet are zero, so their `valid` is 0.

    iterations: number of iterations whose batches are kept, ≥ 1.
    epochs: passes over the samples, ≥ 1.
    minibatches: minibatches per epoch, ≥ 1; divides the number of kept samples.
    of: the name of the earlier phase.
    fields: the fields of its batches that are kept; () for all.
    """

    iterations: int
    epochs: int
    minibatches: int
    of: str
    fields: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        """Minibatches in all epochs."""
        return Epochs(self.epochs, self.minibatches).rounds

    replays = False

    def num_samples(self, steps_per_iteration: int) -> int:
        """See `Source.num_samples`."""
        return steps_per_iteration * self.iterations

    def init(self, batch: Any) -> Any:
        """Zeros [iterations, B, ...] for a batch [B, ...]."""
        return tf.nest.map_structure(lambda x: tf.zeros((self.iterations, *x.shape), x.dtype), self._kept(batch))

    def put(self, kept: Any, batch: Any, iteration: tf.Tensor, runs: tuple[int, ...] = ()) -> Any:
        """Replaces the oldest batch by the new one; see `Source.put`."""
        place = tf.cast(iteration % self.iterations, tf.int32)
        # One scatter for all runs: XLA does not compile the one that TensorFlow makes of a scatter batched over runs.
        places = [[place]] if not runs else tf.stack([tf.range(*runs), tf.fill(runs, place)], 1)
        return tf.nest.map_structure(
            lambda old, x: tf.tensor_scatter_nd_update(old, places, x if runs else x[None]), kept, self._kept(batch)
        )

    def data(self, kept: Any, trajectory: Any) -> Any:
        """All kept samples as one batch, [iterations · B, ...]."""
        return tf.nest.map_structure(lambda x: tf.reshape(x, (-1, *x.shape[2:])), kept)

    def orders(self, seed: tf.Tensor, num_samples: int) -> Orders:
        """See `Source.orders`."""
        return Epochs(self.epochs, self.minibatches).orders(seed, num_samples)

    def draw(self, batch: Any, orders: Orders, number: int | tf.Tensor) -> Any:
        """See `Source.draw`."""
        return Epochs(self.epochs, self.minibatches).draw(batch, orders, number)

    def _kept(self, batch: Any) -> Any:
        """What is kept of a prepared batch: all of it, or a named tuple of some of its fields."""
        return _of_fields(self.fields)(*(getattr(batch, name) for name in self.fields)) if self.fields else batch


@functools.cache
def _of_fields(fields: tuple[str, ...]) -> type:
    """The named tuple with these fields."""
    return collections.namedtuple("Kept", fields)
