"""Probes on a running agent: the iteration's first update replayed beside the program that moves the weights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from rl.agents import Phase
from rl.environments import Trajectory
from rl.frozen import drift
from rl.gradients import gramian, layers_of, watched_rows
from rl.gradients.probes import CopyDrift, Evidence, Probe
from rl.gradients.rows import Rows
from rl.training.learner import Learner, Minibatch
from rl.training.oracle import Oracle
from rl.training.state import TrainState
from rl.updates.clipping import global_norm


class Findings(NamedTuple):
    """What the probes found: {tag: []}, and the raw rows {objective: one vector on the shared weights}."""

    numbers: dict[str, tf.Tensor]
    rows: dict[str, tf.Tensor]


class Prober:
    """Replays the first minibatch's update of an iteration from (state, trajectory), and applies nothing.

    Every objective gets its own backward pass, whatever the update itself takes: `learn` never depends on it.
    """

    def __init__(self, learner: Learner, probes: Sequence[Probe], oracle: Oracle | None = None):
        self.learner, self.probes, self.oracle = learner, tuple(probes), oracle

    def __call__(self, state: TrainState, trajectory: Trajectory) -> Findings:
        """Pure; the state is the one before the iteration's learning."""
        learner, phase = self.learner, self.learner.phases[0]
        taken_in, normalized, _ = learner.take_in(state, trajectory)
        minibatch = learner.minibatch(phase, taken_in, normalized, 0)
        rows = self.rows(phase, minibatch)
        evidence = self._evidence(phase, state, minibatch, rows)
        numbers: dict[str, tf.Tensor] = {}
        for probe in self.probes:
            numbers.update(probe(evidence))
        if self.oracle:
            numbers.update(self.oracle(state, taken_in, normalized, rows.gradients))
        rule = learner.rules[phase.name]
        flat = {name: _flat(rule.shared_row(row)) for name, row in rows.gradients.items()} if rule.shared else {}
        return Findings({tag: tf.cast(number, tf.float32) for tag, number in numbers.items()}, flat)

    def rows(self, phase: Phase, minibatch: Minibatch) -> Rows:
        """The raw row and head gradients of every objective of a phase, without coefficients."""
        live = phase.differentiate_at == "live"
        return watched_rows(
            lambda weights: phase.losses(weights, minibatch.frozen, minibatch.batch),
            minibatch.weights if live else minibatch.frozen[phase.differentiate_at].weights,
            {objective.name: objective.reads for objective in phase.objectives},
            self.learner.model.network.names,
        )

    def _evidence(self, phase: Phase, state: TrainState, minibatch: Minibatch, rows: Rows) -> Evidence:
        learner, rule = self.learner, self.learner.rules[phase.name]
        direction, step, _ = learner.update(phase, minibatch, learner.progress(state))
        vectors = [rule.shared_row(row) for row in rows.gradients.values()] if rule.shared else []
        vectors += (
            [rule.shared_row(tree) for tree in (direction.gradient, step.clipped, step.delta)] if rule.shared else []
        )
        coefficients = {objective.name: objective.coefficient for objective in phase.objectives}
        return Evidence(
            objectives=tuple(rows.gradients),
            coefficients=tuple(coefficients[name] for name in rows.gradients),
            layers=tuple(rule.layers),
            gramian=gramian(vectors, rule.layers) if rule.shared else tf.zeros((0, 0, 0)),
            torso_norms={
                name: global_norm(tuple(g for part in row if part not in rule.heads for g in row[part]))
                for name, row in rows.gradients.items()
            },
            head_norms={
                part: global_norm(direction.gradient[part]) for part in rule.heads if part in direction.gradient
            },
            weight_norms=_layer_norms(minibatch.weights, rule.names),
            step_norms=_layer_norms(step.delta, rule.names),
            copies=self._drift(state, minibatch),
        )

    def _drift(self, state: TrainState, minibatch: Minibatch) -> dict[str, CopyDrift]:
        """From the copies as they stood before the iteration, on the minibatch's observations."""
        model, agent = self.learner.model, self.learner.agent
        live = agent.policy(model, state.weights, minibatch.batch.observation)
        copies = {}
        for role, copy in state.frozen.items():
            old = agent.policy(model, copy.weights, minibatch.batch.observation)
            kl = tf.reduce_mean(model.distribution.kl(old, live))
            copies[role] = CopyDrift(copy.age, drift(state.weights, copy.weights), kl)
        return copies


def _flat(row: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.reshape(tensor, (-1,)) for tensor in row], 0)


def _layer_norms(tree: Mapping[str, Sequence[tf.Tensor]], names: Mapping[str, Sequence[str]]) -> dict[str, tf.Tensor]:
    return {
        layer: global_norm(tuple(tree[part][place] for place in places))
        for part in names
        for layer, places in layers_of(names[part]).items()
    }
