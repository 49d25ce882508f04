"""What every source of a phase answers."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.sources.permutations import permutations


class Source(Protocol):
    """Where a phase's samples come from, and how often. A source is pure: what it keeps goes in and comes out."""

    rounds: int
    """Minibatches in one execution of the phase."""
    minibatches: int
    """Minibatches in an epoch; divides the number of samples."""
    iterations: int
    """Iterations whose samples the phase learns from."""
    of: str | None
    """The earlier phase whose prepared batches the source keeps; None where it keeps nothing."""

    def init(self, batch: Any) -> Any:
        """What is kept before the first iteration; batch: one prepared batch, of which only shapes and types count."""

    def put(self, kept: Any, batch: Any, iteration: tf.Tensor) -> Any:
        """What is kept after an iteration ([] int64) that prepared a batch."""

    def data(self, kept: Any, trajectory: Any) -> Any:
        """What the phase prepares: the newest trajectory, or all samples that are kept, as one batch."""

    def orders(self, seed: tf.Tensor, num_samples: int) -> tf.Tensor | None:
        """The samples of each round, [rounds, num_samples / minibatches]; None where there is nothing to choose.

        Args:
            seed: [2] int.
            num_samples: of the prepared batch; a multiple of `minibatches`.
        """

    def draw(self, batch: Any, orders: tf.Tensor | None, number: int | tf.Tensor) -> Any:
        """The samples of round `number` of a prepared batch."""


class Epochs(NamedTuple):
    """Every sample `epochs` times, in minibatches without replacement, each epoch in its own order."""

    epochs: int
    minibatches: int

    @property
    def rounds(self) -> int:
        """Minibatches in all epochs."""
        return self.epochs * self.minibatches

    def orders(self, seed: tf.Tensor, num_samples: int) -> tf.Tensor | None:
        """See `Source.orders`."""
        if self.minibatches == 1:
            return None
        return tf.reshape(permutations(seed, count=self.epochs, size=num_samples), (self.rounds, -1))

    def draw(self, batch: Any, orders: tf.Tensor | None, number: int | tf.Tensor) -> Any:
        """See `Source.draw`."""
        if orders is None:
            return batch
        return tf.nest.map_structure(lambda x: tf.gather(x, orders[number]), batch)
