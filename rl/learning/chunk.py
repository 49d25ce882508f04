"""What a host call leaves to log."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.axis import Axis
from rl.learning.state import TrainState

Basis = tuple[TrainState, Trajectory] | tuple[TrainState]
"""What an iteration learnt from; with a compiled environment the state before its rollout, which says it all."""


class Chunk(NamedTuple):
    """What K iterations left to log.

    metrics: {tag: [K]}; findings: {tag: [K]}, NaN in iterations that were not probed; gramians: {place among the K:
    [L, R, R] float64} of those that were; rows: the newest raw rows, {objective: [P]}, empty where nothing was probed
    yet; basis: from which `Programs.learnt_from` has what the last iteration learnt from. With several runs in one
    program each has an axis of runs, after K or, without one, in front.
    """

    metrics: dict[str, np.ndarray]
    findings: dict[str, np.ndarray]
    gramians: dict[int, np.ndarray]
    rows: dict[str, tf.Tensor]
    basis: Basis

    def of(self, axis: Axis, run: int) -> "Chunk":
        """One run's share of what is to be logged; the basis stays whole."""
        metrics, findings = ({tag: axis.take(x, run, axis=1) for tag, x in numbers.items()} for numbers in self[:2])
        gramians = {place: axis.take(found, run) for place, found in self.gramians.items()}
        rows = {name: axis.take(x, run) for name, x in self.rows.items()}
        return self._replace(metrics=metrics, findings=findings, gramians=gramians, rows=rows)

    def without_last(self) -> "Chunk":
        """All but what the last iteration left, of one run."""
        metrics, findings = ({tag: x[:-1] for tag, x in numbers.items()} for numbers in self[:2])
        last = len(self.metrics["bad_update"]) - 1
        gramians = {place: found for place, found in self.gramians.items() if place != last}
        return self._replace(metrics=metrics, findings=findings, gramians=gramians)
