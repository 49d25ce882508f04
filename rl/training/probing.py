"""Probes on a running agent: the iteration's first update replayed beside the program that moves the weights."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from rl.environments import Trajectory
from rl.gradients.probes import Probe
from rl.training.evidence import UpdateEvidence
from rl.training.learner import Learner
from rl.training.oracle import Oracle
from rl.training.state import TrainState


class Findings(NamedTuple):
    """What the probes found: {tag: []}, and the raw rows {objective: one vector on the shared weights}."""

    numbers: dict[str, tf.Tensor]
    rows: dict[str, tf.Tensor]


class Prober:
    """Replays the first minibatch's update of an iteration from (state, trajectory), and applies nothing.

    Every objective gets its own backward pass, whatever the update itself takes: `learn` never depends on it.
    """

    def __init__(self, learner: Learner, probes: Sequence[Probe], *, num_samples: int, oracle: Oracle | None = None):
        """num_samples: at most so many samples get rows of their own."""
        self.learner, self.probes, self.oracle = learner, tuple(probes), oracle
        self._num_samples = num_samples

    def __call__(self, state: TrainState, trajectory: Trajectory) -> Findings:
        """Pure; the state is the one before the iteration's learning."""
        learner, phase = self.learner, self.learner.phases[0]
        taken_in, normalized, _ = learner.take_in(state, trajectory)
        minibatch = learner.minibatch(phase, taken_in, normalized, 0)
        evidence = UpdateEvidence(learner, phase, state, minibatch, num_samples=self._num_samples)
        numbers: dict[str, tf.Tensor] = {}
        for probe in self.probes:
            numbers.update(probe(evidence))
        if self.oracle:
            numbers.update(self.oracle(state, taken_in, normalized, evidence.gradients))
        rows = evidence.rows if evidence.layers else {}
        flat = {name: tf.concat([tf.reshape(x, (-1,)) for x in row], 0) for name, row in rows.items()}
        return Findings({tag: tf.cast(number, tf.float32) for tag, number in numbers.items()}, flat)
