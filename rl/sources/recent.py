"""The samples of the last few iterations, gone through in minibatches."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.sources.source import Epochs


class Recent(NamedTuple):
    """Every sample of the last `iterations` iterations `epochs` times, in minibatches without replacement.

    It keeps the batches that an earlier phase prepared, as that phase prepared them: PPG's auxiliary phase learns from
    the value targets of its policy phase (Cobbe et al. 2021, arXiv:2009.04416, algorithm 1). What was not filled yet
    is zero, so that its `valid` is 0.
    """

    iterations: int
    epochs: int
    minibatches: int
    of: str

    @property
    def rounds(self) -> int:
        """Minibatches in all epochs."""
        return Epochs(self.epochs, self.minibatches).rounds

    def init(self, batch: Any) -> Any:
        """Zeros [iterations, B, ...] for a batch [B, ...]."""
        return tf.nest.map_structure(lambda x: tf.zeros((self.iterations, *x.shape), x.dtype), batch)

    def put(self, kept: Any, batch: Any, iteration: tf.Tensor) -> Any:
        """The batch in the place of the oldest."""
        place = tf.cast(iteration % self.iterations, tf.int32)
        return tf.nest.map_structure(lambda old, x: tf.tensor_scatter_nd_update(old, [[place]], x[None]), kept, batch)

    def data(self, kept: Any, trajectory: Any) -> Any:
        """All that is kept, [iterations · B, ...]."""
        return tf.nest.map_structure(lambda x: tf.reshape(x, (-1, *x.shape[2:])), kept)

    def orders(self, seed: tf.Tensor, num_samples: int) -> tf.Tensor | None:
        """See `Source.orders`."""
        return Epochs(self.epochs, self.minibatches).orders(seed, num_samples)

    def draw(self, batch: Any, orders: tf.Tensor | None, number: int | tf.Tensor) -> Any:
        """See `Source.draw`."""
        return Epochs(self.epochs, self.minibatches).draw(batch, orders, number)
