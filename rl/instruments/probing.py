"""Probes on a running agent: the iteration's first update replayed beside the program that moves the weights."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from rl.environments import Trajectory
from rl.gradients.probes import EXTRA_ROWS, Probe
from rl.gradients.probes.staleness import staleness
from rl.gradients.probes.through_target import through_target
from rl.instruments.evidence import THROUGH_TARGET, UpdateEvidence, stale_row
from rl.instruments.oracle import Oracle
from rl.instruments.replay import replay
from rl.learning.findings import Findings
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.schedules import start_of
from rl.tensorboard.gramians import Legend
from rl.vectors import flat


class Prober:
    """Replays the first minibatch's update of an iteration from (state, trajectory), and applies nothing.

    Every objective gets its own backward pass, whatever the update itself takes: `learn` never depends on it.
    """

    def __init__(self, learner: Learner, probes: Sequence[Probe], *, num_samples: int, oracle: Oracle | None = None):
        """num_samples: at most so many samples get rows of their own."""
        self.learner, self.probes, self.oracle = learner, tuple(probes), oracle
        self.num_samples = num_samples
        rule, roles = next(iter(learner.rules.values())), tuple(learner.schedules)
        objectives = [objective for objective in rule.objectives.values() if set(objective.parts) - set(rule.heads)]
        names = tuple(objective.name for objective in objectives)
        self._beside = tuple(stale_row(role, name) for role in roles for name in names) if staleness in probes else ()
        self._beside += (THROUGH_TARGET,) if through_target in probes else ()
        numbers = [size for part in rule.shared for size in learner.model.network.sizes[part]]
        self.legend = Legend(
            layers=tuple(rule.layers),
            sizes=tuple(sum(numbers[place] for place in places) for places in rule.layers.values()),
            objectives=names,
            extra_rows=(*EXTRA_ROWS, *self._beside),
            coefficients=tuple(start_of(objective.coefficient) for objective in objectives),
            groups={group: kept for group, of in rule.groups.items() if (kept := tuple(n for n in of if n in names))},
            combiner=type(rule.combiner).__name__,
            settings=dataclasses.asdict(rule.combiner),
        )
        """What the axes of the Gramians mean."""

    def __call__(self, state: TrainState, trajectory: Trajectory) -> Findings:
        """Pure; the state is the one before the iteration's learning."""
        played = replay(self.learner, state, trajectory)
        learner = played.learner
        evidence = UpdateEvidence(
            learner, state, played.minibatch(0), num_samples=self.num_samples, beside=self._beside
        )
        numbers: dict[str, tf.Tensor] = {}
        for probe in self.probes:
            numbers.update(probe(evidence))
        if self.oracle:
            found = self.oracle.of(learner)(state, played.state, played.trajectory, evidence.gradients)
            numbers.update(found)
        rows = evidence.rows if evidence.layers else {}
        return Findings(
            {tag: tf.cast(number, tf.float32) for tag, number in numbers.items()},
            tf.cast(evidence.gramian, tf.float64),
            {name: flat(row) for name, row in rows.items()},
        )
