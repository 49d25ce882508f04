"""Experience replay: minibatches drawn from the newest steps."""

import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from rl.environments import Trajectory
from rl.settings import PositiveInteger, settings
from rl.sources import ring, rows
from rl.sources.source import Orders
from rl.sources.windows import Windows


@dataclasses.dataclass(frozen=True)
class Replay:
    """Draws every minibatch anew, uniformly with replacement, from a ring of the newest steps (Lin 1992).

    Its data for one execution of a phase are all of its minibatches, drawn together: what is drawn does not depend on
    what is learnt from the others. A sample is a window of `length` consecutive steps of one environment.
    """

    capacity: int
    """Steps that the ring holds, of all environments of a run together, ≥ 1."""
    batch: int
    """Samples per minibatch, ≥ 1."""
    rounds: int
    """Minibatches in one execution of the phase, ≥ 1."""
    length: int = 1
    """Steps in a window, ≥ 1."""

    minibatches: ClassVar[int] = 1
    iterations: ClassVar[int] = 1
    of: ClassVar[None] = None
    replays: ClassVar[bool] = True
    prioritizes: ClassVar[bool] = False

    def num_samples(self, steps_per_iteration: int) -> int:
        """Samples in one execution of the phase."""
        return self.batch * self.rounds

    def num_rows(self, num_envs: int) -> int:
        """Rows of the ring, each with one step of every environment."""
        return max(self.capacity // num_envs, 1)

    def init(self, row: Any) -> Any:
        """An empty ring; row: a `Trajectory` of TensorSpecs [N, ...], of one step."""
        return ring.empty(rows.spec(row), self.num_rows(row.valid.shape[0]))

    def put(
        self, kept: Any, batch: Any, written: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
    ) -> Any:
        """Writes steps [T, N, ...]; see `ring.write`. written: rows written before, [] int64."""
        return ring.write(kept, rows.packed(batch), written, runs, in_place=in_place)

    def drawn(self, seed: tf.Tensor, written: tf.Tensor, begun: tf.Tensor, *, num_envs: int) -> tf.Tensor:
        """The random part of the draws of one execution, of one run: where windows begin; see `ring.starts`."""
        return ring.starts(
            seed,
            written,
            begun,
            num_rows=self.num_rows(num_envs),
            num_envs=num_envs,
            count=self.batch * self.rounds,
            length=self.length,
        )

    def windows(self, kept: Any, drawn: tf.Tensor, runs: tuple[int, ...] = ()) -> tuple[Windows, Any]:
        """The windows [rounds · batch, length, ...] of all runs, and their places, for `told`."""
        return Windows(rows.unpacked(ring.windows(kept, drawn, length=self.length, runs=runs))), ()

    def steps(self, kept: Any, numbers: tf.Tensor) -> Trajectory:
        """Steps by their numbers [T] int64, counted from the start of training, [T, N, ...], of one run."""
        places = tf.cast(numbers % self._rows(kept).flags.shape[0], tf.int32)
        return rows.unpacked(tf.nest.map_structure(lambda x: tf.gather(x, places), self._rows(kept)))

    def interrupted(self, kept: Any, written: tf.Tensor, lost: int, runs: tuple[int, ...] = ()) -> Any:
        """What is kept if the newest step's episode does not go on, and the oldest rows were perhaps overwritten.

        The newest step is truncated, unless it terminated; the places of the next `lost` rows count as invalid.

        Args: written: rows written before, [] int64; lost: at most the number of rows.
        """
        truncated = rows.truncated(self._rows(kept), written, runs)
        return self._with_rows(kept, rows.invalid(truncated, written, lost, runs))

    def _with_rows(self, kept: Any, replaced: rows.Rows) -> Any:
        """What is kept, with another ring."""
        return replaced

    def _rows(self, kept: Any) -> rows.Rows:
        """The ring among what is kept."""
        return kept

    def told(
        self, kept: Any, places: Any, errors: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
    ) -> Any:
        """What is kept once the errors of the windows are known: the same."""
        return kept

    def data(self, kept: Any, trajectory: Any) -> Any:
        """The windows themselves."""
        return trajectory

    def orders(self, seed: tf.Tensor, num_samples: int) -> Orders:
        """None: every sample has its round already."""
        return ()

    def draw(self, batch: Any, orders: Orders, number: int | tf.Tensor) -> Any:
        """The minibatch of round `number`, counted over executions: a slice of the prepared windows."""

        def minibatch(x):
            """The slice of one tensor; there may be windows of several executions."""
            rounds = x.shape[0] // self.batch
            return tf.reshape(x, (rounds, self.batch, *x.shape[1:]))[number % rounds]

        return tf.nest.map_structure(minibatch, batch)


@settings
class Uniform:
    """A memory from which every step is drawn with the same probability."""

    capacity: PositiveInteger
    """Environment steps that each run keeps, ≥ 1."""

    def source(self, *, batch: int, rounds: int, length: int) -> Replay:
        """The source of a phase; see `Replay`."""
        return Replay(self.capacity, batch, rounds, length)
