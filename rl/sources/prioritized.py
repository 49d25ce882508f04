"""Prioritised experience replay: steps are drawn in proportion to a power of their error."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from rl.randomness import uniforms
from rl.settings import PositiveNumber, Share, settings
from rl.sources import ring, rows, sums
from rl.sources.replay import Replay, Uniform
from rl.sources.sums import Sums
from rl.sources.windows import Windows


class Prioritized(NamedTuple):
    """The memory of one run, or of S runs with an axis of runs in front of every tensor."""

    rows: Any
    """The ring; see `rl.sources.ring`."""
    priorities: Sums
    """p of the window that begins at each step; 0 where none may begin. The leaf of row r, environment n is r·N + n."""
    highest: tf.Tensor
    """[] float, the largest priority so far, which new steps get."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrioritizedReplay(Replay):
    """Draws windows with probability P(i) = p_i / Σ_k p_k, p_i = (|δ_i| + ε)^α, weighted by w_i = (P_i / min_j P_j)^−β.

    Proportional prioritisation (Schaul et al. 2016, section 3.3 and algorithm 1, arXiv:1511.05952). δ is the error at
    the weights after the learning of a tick, and the least probability is that among the samples drawn together.
    Differs from the paper: the draws are independent, without strata, and β is constant.
    """

    exponent: float
    """α."""
    correction: float
    """β."""
    offset: float
    """ε, in units of the error."""

    prioritizes: ClassVar[bool] = True

    def init(self, row: Any) -> Prioritized:
        """See `Replay.init`."""
        num_envs = row.valid.shape[0]
        return Prioritized(super().init(row), sums.empty(self.num_rows(num_envs) * num_envs), tf.ones(()))

    def put(
        self, kept: Prioritized, batch: Any, written: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
    ) -> Prioritized:
        """Writes steps; the windows that they complete get the highest priority so far. See `Replay.put`."""
        axis = len(runs)
        memory = ring.write(kept.rows, rows.packed(batch), written, runs, in_place=in_place)
        num_rows, num_envs = memory.flags.shape[axis : axis + 2]
        length, open_ = batch.valid.shape[axis], self.length - 1
        numbers = written - open_ + tf.range(length + open_, dtype=tf.int64)  # of the rows whose windows change
        complete = (numbers >= 0) & (numbers < written + length - open_)
        places = tf.cast(numbers % num_rows, tf.int32)
        flags = tf.gather(memory.flags, places, axis=axis)
        valid = rows.valid(memory._replace(flags=flags)) & complete[:, None]
        leaves = tf.reshape(places[:, None] * num_envs + tf.range(num_envs), (-1,))
        priority = tf.where(tf.reshape(valid, (*runs, -1)), kept.highest[..., None], 0.0)
        priorities = sums.replaced(kept.priorities, leaves, priority, runs, in_place=in_place)
        return kept._replace(rows=memory, priorities=priorities)

    def drawn(self, seed: tf.Tensor, written: tf.Tensor, begun: tf.Tensor, *, num_envs: int) -> tf.Tensor:
        """The random part of the draws, uniform numbers [rounds · batch]."""
        return uniforms(seed, (self.batch * self.rounds,))

    def windows(self, kept: Prioritized, drawn: tf.Tensor, runs: tuple[int, ...] = ()) -> tuple[Windows, tf.Tensor]:
        """See `Replay.windows`; the places are leaves [rounds · batch] int32."""
        num_envs = kept.rows.flags.shape[len(runs) + 1]
        leaves, priority = sums.found(kept.priorities, drawn, runs)
        starts = tf.stack([leaves // num_envs, leaves % num_envs], -1)
        steps = rows.unpacked(ring.windows(kept.rows, starts, length=self.length, runs=runs))
        possible = tf.where(priority > 0, priority, tf.float32.max)
        least = tf.reduce_min(possible, -1, keepdims=True)
        weight = tf.where(priority > 0, tf.pow(possible / least, -self.correction), 0.0)
        return Windows(steps, weight), leaves

    def interrupted(self, kept: Prioritized, written: tf.Tensor, lost: int, runs: tuple[int, ...] = ()) -> Prioritized:
        """See `Replay.interrupted`; windows that begin at an invalid step have the priority 0."""
        kept = super().interrupted(kept, written, lost, runs)
        num_rows, num_envs = kept.rows.flags.shape[len(runs) :]
        places = tf.cast((written + tf.range(lost, dtype=tf.int64)) % num_rows, tf.int32)
        leaves = tf.reshape(places[:, None] * num_envs + tf.range(num_envs), (-1,))
        nothing = tf.zeros((*runs, lost * num_envs))
        return kept._replace(priorities=sums.replaced(kept.priorities, leaves, nothing, runs))

    def _with_rows(self, kept: Prioritized, replaced: rows.Rows) -> Prioritized:
        """See `Replay._with_rows`."""
        return kept._replace(rows=replaced)

    def _rows(self, kept: Prioritized) -> rows.Rows:
        """See `Replay._rows`."""
        return kept.rows

    def told(
        self,
        kept: Prioritized,
        places: tf.Tensor,
        errors: tf.Tensor,
        runs: tuple[int, ...] = (),
        *,
        in_place: bool = False,
    ) -> Prioritized:
        """The memory with new priorities.

        Args: places: from `windows`; errors: |δ|, [rounds · batch]; where one is not finite the priority stays.
        """
        before = sums.at(kept.priorities, places, runs)
        priority = tf.pow(errors + self.offset, self.exponent)
        priority = tf.where(tf.math.is_finite(priority) & (before > 0), priority, before)
        highest = tf.maximum(kept.highest, tf.reduce_max(priority, -1))
        priorities = sums.replaced(kept.priorities, places, priority, runs, in_place=in_place)
        return kept._replace(priorities=priorities, highest=highest)


@settings
class Proportional(Uniform):
    """A memory from which steps are drawn in proportion to a power of their error."""

    exponent: Share
    """α in [0, 1]; 0 is uniform."""
    correction: Share
    """β in [0, 1], exponent of the importance weights; 1 corrects the draws' bias in full."""
    offset: PositiveNumber
    """ε > 0, in units of the error."""

    def source(self, *, batch: int, rounds: int, length: int) -> PrioritizedReplay:
        """The source of a phase; see `PrioritizedReplay`."""
        return PrioritizedReplay(
            self.capacity,
            batch,
            rounds,
            length,
            exponent=self.exponent,
            correction=self.correction,
            offset=self.offset,
        )
