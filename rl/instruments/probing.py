"""Runs the probes on an iteration: replays its first updates, apart from the program that moves the weights."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from rl.environments import Trajectory
from rl.gradients import gramian, layers_of
from rl.gradients.probes import EXTRA_ROWS, Probe
from rl.gradients.probes.cosines import conflict_fraction, row_cosines
from rl.gradients.probes.staleness import staleness
from rl.gradients.probes.through_target import through_target
from rl.instruments.evidence import UpdateEvidence
from rl.instruments.oracle import Oracle
from rl.instruments.replay import replay
from rl.instruments.update_rows import THROUGH_TARGET, stale_row
from rl.learning.findings import Findings
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.schedules import Schedule, start_of
from rl.tensorboard.gramians import Legend
from rl.vectors import flat

_PAIRS = (row_cosines, conflict_fraction)
"""Probes of pairs of rows, which are also computed for pairs of different updates."""


class _AllRows(NamedTuple):
    """The part of `Evidence` that probes of pairs read, for the m rows of all updates together."""

    objectives: tuple[str, ...]
    """Names of the m objectives, update by update."""
    layers: tuple[str, ...]
    """Names of the L shared layers."""
    sizes: tuple[int, ...]
    """Number of weights in each layer."""
    raw: tf.Tensor
    """The Gramian of the objectives' rows, [L, m, m] float64."""


class Prober:
    """Replays the first minibatch of every update of an iteration, and applies nothing.

    All updates are replayed at the weights before the iteration's learning, each on the first minibatch of its own
    phase, so that their rows can be compared; in a later phase that refreshes a frozen copy, one round later
    (`Replay.probed_minibatch`). Every objective gets its own backward pass, even if the update itself
    takes one pass through the total loss; the program that trains never depends on the prober.
    """

    def __init__(self, learner: Learner, probes: Sequence[Probe], *, num_samples: int, oracle: Oracle | None = None):
        """
        Args:
            learner: of the runs to probe.
            probes: functions from evidence to {tag: number}.
            num_samples: maximal number of samples whose rows are computed separately.
            oracle: its metrics are added; None for none.
        """
        self.learner, self.probes, self.oracle = learner, tuple(probes), oracle
        self.num_samples, self._others = num_samples, tuple(learner.updates)[1:]
        first, heads = next(iter(learner.rules.values())), {*learner.model.network.heads}
        objectives = {
            update: tuple(one for one in rule.objectives.values() if set(one.parts) - heads)
            for update, rule in learner.rules.items()
        }
        own = [objective.name for objective in next(iter(objectives.values()))]
        every = [objective for of in objectives.values() for objective in of]
        self._beside = (
            tuple(stale_row(role, name) for role in learner.schedules for name in own) if staleness in probes else ()
        )
        self._beside += (THROUGH_TARGET,) if through_target in probes else ()
        network = learner.model.network
        numbers = [size for part in learner.shared for size in network.sizes[part]]
        layers = layers_of([name for part in learner.shared for name in network.names[part]])
        self.legend = Legend(
            layers=tuple(layers),
            sizes=tuple(sum(numbers[place] for place in places) for places in layers.values()),
            objectives=tuple(objective.name for objective in every),
            extra_rows=(*EXTRA_ROWS, *self._beside, *(f"applied/{update}" for update in self._others)),
            coefficients=tuple(start_of(objective.coefficient) for objective in every),
            groups={group: kept for group, of in first.groups.items() if (kept := tuple(n for n in of if n in own))},
            combiner=type(first.combiner).__name__,
            settings=dataclasses.asdict(first.combiner),
            changing=tuple(objective.name for objective in every if isinstance(objective.coefficient, Schedule)),
        )
        """The meaning of the axes of `Findings.gramian`; its groups are those of the first update."""

    def __call__(self, state: TrainState, trajectory: Trajectory) -> Findings:
        """Computes the findings of one iteration of one run; a pure function.

        If several updates have a number of the same tag, the first keeps the tag, and `/<update>` is appended to it for
        the others. Of the updates after the first, only `gradient/…` and `update/…` are returned.

        Args:
            state: before the iteration's learning.
            trajectory: [T, N, ...], as returned by `collect`.
        Returns: the findings; their rows are those of all updates, in the order of the legend's objectives.
        """
        played = replay(self.learner, state, trajectory)
        evidence = UpdateEvidence(
            played.learner, state, played.minibatch(0), num_samples=self.num_samples, beside=self._beside
        )
        numbers: dict[str, tf.Tensor] = {}
        for probe in self.probes:
            numbers.update(probe(evidence))
        if self.oracle:
            found = self.oracle.of(played.learner)(state, played.state, played.trajectory, evidence.gradients)
            numbers.update(found)
        others = {update: self._of(update, state, trajectory) for update in self._others}
        for update, other in others.items():
            for probe in (probe for probe in self.probes if probe is not through_target):
                later = {tag: x for tag, x in probe(other).items() if tag.startswith(("gradient/", "update/"))}
                numbers.update({f"{tag}/{update}" if tag in numbers else tag: x for tag, x in later.items()})
        rows = {**evidence.rows, **{name: row for other in others.values() for name, row in other.rows.items()}}
        matrix = evidence.gramian
        if others and evidence.layers:
            applied = [other.extra_rows["applied"] for other in others.values()]
            matrix = gramian([*rows.values(), *evidence.extra_rows.values(), *applied], evidence.places)
            together = _AllRows(tuple(rows), evidence.layers, evidence.sizes, matrix[:, : len(rows), : len(rows)])
            for probe in (probe for probe in self.probes if probe in _PAIRS):
                numbers = {**probe(together), **numbers}
        return Findings(
            {tag: tf.cast(number, tf.float32) for tag, number in numbers.items()},
            tf.cast(matrix, tf.float64),
            {name: flat(row) for name, row in rows.items()} if evidence.layers else {},
        )

    def _of(self, update: str, state: TrainState, trajectory: Trajectory) -> UpdateEvidence:
        """The evidence of another update than the first, without further extra rows."""
        played = replay(self.learner, state, trajectory, update)
        return UpdateEvidence(played.learner, state, played.probed_minibatch(), num_samples=self.num_samples)
