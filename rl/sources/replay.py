"""Experience replay: minibatches drawn from the newest steps."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.sources import ring
from rl.sources.source import Orders


class Replay(NamedTuple):
    """Draws every minibatch anew, uniformly with replacement, from a ring of the newest steps (Lin 1992).

    Its data for one execution of a phase are all of its minibatches, drawn together: what is drawn does not depend on
    what is learnt. A sample is a window of `length` consecutive steps of one environment.
    """

    capacity: int
    """Steps that the ring holds, of all environments of a run together, ≥ 1."""
    batch: int
    """Samples per minibatch, ≥ 1."""
    rounds: int
    """Minibatches in one execution of the phase, ≥ 1."""
    length: int = 1
    """Steps in a window, ≥ 1."""

    minibatches = 1
    iterations = 1
    of = None
    replays = True

    def num_samples(self, steps_per_iteration: int) -> int:
        """Samples in one execution of the phase."""
        return self.batch * self.rounds

    def num_rows(self, num_envs: int) -> int:
        """Rows of the ring, each with one step of every environment."""
        return max(self.capacity // num_envs, 1)

    def init(self, row: Any) -> Any:
        """An empty ring; row: a nest of TensorSpecs [N, ...] of one step."""
        num_envs = tf.nest.flatten(row)[0].shape[0]
        return ring.empty(row, self.num_rows(num_envs))

    def put(self, kept: Any, batch: Any, iteration: Any, runs: tuple[int, ...] = ()) -> Any:
        """See `ring.write`; iteration: rows written before, [] int64."""
        return ring.write(kept, batch, iteration, runs)

    def places(self, seed: tf.Tensor, written: tf.Tensor, *, num_envs: int) -> tf.Tensor:
        """Where the windows of one execution begin; see `ring.starts`."""
        return ring.starts(
            seed,
            written,
            num_rows=self.num_rows(num_envs),
            num_envs=num_envs,
            count=self.batch * self.rounds,
            length=self.length,
        )

    def windows(self, kept: Any, places: tf.Tensor, runs: tuple[int, ...] = ()) -> Any:
        """The windows [rounds · batch, length, ...] that begin at these places; see `ring.windows`."""
        return ring.windows(kept, places, length=self.length, runs=runs)

    def data(self, kept: Any, trajectory: Any) -> Any:
        """The windows themselves."""
        return trajectory

    def orders(self, seed: tf.Tensor, num_samples: int) -> Orders:
        """None: every sample has its round already."""
        return ()

    def draw(self, batch: Any, orders: Orders, number: int | tf.Tensor) -> Any:
        """The minibatch of round `number`, counted over executions: a slice of the prepared windows."""
        place = number % self.rounds
        return tf.nest.map_structure(lambda x: tf.reshape(x, (self.rounds, self.batch, *x.shape[1:]))[place], batch)
