"""The results of one host call, for the log."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.axis import Axis
from rl.learning.state import TrainState

Basis = tuple[TrainState, Trajectory] | tuple[TrainState]
"""The data that an iteration learnt from: the state before learning and the trajectory.

With a compiled environment it is only the state before the rollout, from which the rollout can be repeated.
"""


class Chunk(NamedTuple):
    """The results of K iterations.

    With S runs in one program every array has an axis of runs: [K, S] for [K], otherwise in front.
    """

    metrics: dict[str, np.ndarray]
    """{tag: [K]}."""
    findings: dict[str, np.ndarray]
    """{tag: [K]}, numbers that the probes computed; NaN in iterations without probes."""
    gramians: dict[int, np.ndarray]
    """{index of a probed iteration among the K: [L, R, R] float64}."""
    rows: dict[str, tf.Tensor]
    """{objective: its raw row [P]} of the most recent probe; empty before the first one."""
    basis: Basis
    """The basis of the last iteration, for `Programs.learnt_from`."""

    def of(self, axis: Axis, run: int) -> "Chunk":
        """One run's share of everything but the basis, which keeps all runs."""
        metrics, findings = ({tag: axis.take(x, run, axis=1) for tag, x in numbers.items()} for numbers in self[:2])
        gramians = {place: axis.take(found, run) for place, found in self.gramians.items()}
        rows = {name: axis.take(x, run) for name, x in self.rows.items()}
        return self._replace(metrics=metrics, findings=findings, gramians=gramians, rows=rows)

    def without_last(self) -> "Chunk":
        """One run's chunk without its last iteration, K − 1 long; rows and basis are unchanged."""
        metrics, findings = ({tag: x[:-1] for tag, x in numbers.items()} for numbers in self[:2])
        last = len(self.metrics["bad_update"]) - 1
        gramians = {place: found for place, found in self.gramians.items() if place != last}
        return self._replace(metrics=metrics, findings=findings, gramians=gramians)
