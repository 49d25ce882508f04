"""The protocol of a phase's source, and the epochs over minibatches that all sources share."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.sources.permutations import permutations

Orders = tf.Tensor | tuple[()]
"""Sample indices of each round, [rounds, num_samples / minibatches] int32; () if a minibatch is the whole batch."""


class Source(Protocol):
    """Supplies a phase with samples, minibatch by minibatch.

    A source is pure: the data that it keeps between iterations is passed in and returned.
    """

    rounds: int
    """Number of minibatches in one execution of the phase."""
    minibatches: int
    """Number of minibatches per epoch; divides the number of samples."""
    iterations: int
    """Number of iterations whose samples the phase learns from."""
    of: str | None
    """The earlier phase whose prepared batches the source keeps; None if it keeps nothing."""
    replays: bool = False
    """Whether it keeps the steps themselves and draws from them; acting and learning then alternate (see `Replay`)."""
    prioritizes: bool = False
    """Whether what it draws depends on the errors of earlier samples."""

    def num_samples(self, steps_per_iteration: int) -> int:
        """Samples of the prepared batch, of one run; invalid samples count too."""

    def init(self, batch: Any) -> Any:
        """The data kept before the first iteration.

        Args: batch: a prepared batch [B, ...], of which only shapes and dtypes are used.
        """

    def put(self, kept: Any, batch: Any, iteration: tf.Tensor, runs: tuple[int, ...] = ()) -> Any:
        """The data kept after an iteration.

        Args:
            kept: the data kept before it.
            batch: the batch that the phase `of` prepared in the iteration, [B, ...].
            iteration: its number from 0, [] int64.
            runs: (S,) if `kept` and `batch` have a leading axis of S runs.
        """

    def data(self, kept: Any, trajectory: Any) -> Any:
        """The data that the phase prepares: the newest trajectory, or all kept samples as one batch."""

    def orders(self, seed: tf.Tensor, num_samples: int) -> Orders:
        """Draws the sample indices of each round.

        Args:
            seed: [2] int.
            num_samples: number of samples of the prepared batch; a multiple of `minibatches`.
        """

    def draw(self, batch: Any, orders: Orders, number: int | tf.Tensor) -> Any:
        """The minibatch of round `number`, from 0, of a prepared batch."""


class Memory(Source, Protocol):
    """A source that keeps the steps themselves (`replays`): its minibatches are windows of consecutive steps.

    What it keeps is written in place, and neither batched over runs nor selected: every function takes that of all
    runs, `runs` being (S,) if there is a leading axis of S runs.
    """

    batch: int
    """Windows per minibatch."""
    length: int
    """Steps per window."""

    def num_rows(self, num_envs: int) -> int:
        """Steps of each environment that it holds."""

    def drawn(self, seed: tf.Tensor, written: tf.Tensor, begun: tf.Tensor, *, num_envs: int) -> tf.Tensor:
        """The random part of the draws of one execution, of one run.

        Args: seed: [2] int; written: steps of each environment written so far, [] int64; begun: the first that is kept.
        """

    def windows(self, kept: Any, drawn: tf.Tensor, runs: tuple[int, ...] = ()) -> tuple[Any, Any]:
        """The windows [rounds · batch, length, ...] of a draw, and their places, for `told`."""

    def put(
        self, kept: Any, batch: Any, written: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
    ) -> Any:
        """What is kept after the steps [T, N, ...] of a rollout; written: rows written before, [] int64.

        in_place: whether the kept tensors themselves are changed; see `ring.write`.
        """

    def told(
        self, kept: Any, places: Any, errors: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
    ) -> Any:
        """What is kept once the errors [rounds · batch] of the windows at these places are known."""

    def steps(self, kept: Any, numbers: tf.Tensor) -> Any:
        """Steps by their numbers [T] int64 from the start of training, [T, N, ...], of one run."""

    def interrupted(self, kept: Any, written: tf.Tensor, lost: int, runs: tuple[int, ...] = ()) -> Any:
        """What is kept if the environments start new episodes after step `written` − 1.

        Args: lost: rows after these that may have been written before an error, over the oldest ones.
        """


class Epochs(NamedTuple):
    """Uses every sample `epochs` times, in minibatches without replacement; each epoch has its own order."""

    epochs: int
    """Passes over the samples, ≥ 1."""
    minibatches: int
    """Minibatches per epoch, ≥ 1."""

    @property
    def rounds(self) -> int:
        """Number of minibatches in all epochs."""
        return self.epochs * self.minibatches

    replays = False

    def num_samples(self, steps_per_iteration: int) -> int:
        """See `Source.num_samples`."""
        return steps_per_iteration

    def orders(self, seed: tf.Tensor, num_samples: int) -> Orders:
        """See `Source.orders`."""
        if self.minibatches == 1:
            return ()
        return tf.reshape(permutations(seed, count=self.epochs, size=num_samples), (self.rounds, -1))

    def draw(self, batch: Any, orders: Orders, number: int | tf.Tensor) -> Any:
        """See `Source.draw`."""
        if self.minibatches == 1:
            return batch
        return tf.nest.map_structure(lambda x: tf.gather(x, orders[number]), batch)
