"""The newest rollout, gone through in minibatches."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.sources.permutations import permutations


class Newest(NamedTuple):
    """Every sample of the newest rollout `epochs` times, in minibatches without replacement, each epoch in its own
    order.
    """

    epochs: int
    minibatches: int

    @property
    def rounds(self) -> int:
        """Minibatches in one execution of the phase."""
        return self.epochs * self.minibatches

    def orders(self, seed: tf.Tensor, num_samples: int) -> tf.Tensor | None:
        """The samples of each round, [rounds, num_samples / minibatches]; None where there is nothing to choose.

        Args:
            seed: [2] int.
            num_samples: of the prepared batch; a multiple of `minibatches`.
        """
        if self.minibatches == 1:
            return None
        return tf.reshape(permutations(seed, count=self.epochs, size=num_samples), (self.rounds, -1))

    def draw(self, batch: Any, orders: tf.Tensor | None, number: int | tf.Tensor) -> Any:
        """The samples of round `number` of a prepared batch."""
        if orders is None:
            return batch
        return tf.nest.map_structure(lambda x: tf.gather(x, orders[number]), batch)
