"""What other rules would do: the step of each from one state and one minibatch. Nothing is applied."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.agents import Phase
from rl.gradients import onto_live
from rl.instruments.evidence import rows_of
from rl.learning.learner import Learner, update_rule
from rl.learning.minibatch import Minibatch, watched
from rl.learning.state import TrainState
from rl.updates import RuleState
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer


class Outcome(NamedTuple):
    """What one rule would do.

    row_weights: {group: its weight, the mean over layers}; direction and step: the combined gradient and Δw on the
    shared weights, one vector [P] each; expected: {objective: g_i·Δw over all weights}, the change of its loss to first
    order; changes: {objective: the change of its loss on the minibatch}; elsewhere: the same on the next minibatch,
    which the rule has not seen, NaN where there is none.
    """

    row_weights: dict[str, float]
    direction: np.ndarray
    step: np.ndarray
    expected: dict[str, float]
    changes: dict[str, float]
    elsewhere: dict[str, float]


def what_if(
    learner: Learner,
    state: TrainState,
    trajectory,
    combiners: Mapping[str, Combiner],
    optimizers: Mapping[str, Optimizer],
) -> dict[tuple[str, str], Outcome]:
    """{(combiner, optimizer): its outcome} for the first minibatch of the learner's first phase.

    An optimizer that equals the run's own goes on from the run's slots; another one starts with fresh ones, in which
    Adam and RMSProp take steps as for a gradient that has always been this one. A combiner starts afresh. Learning
    rates are those of the moment; at the end of a run, where a schedule has brought them to 0, those of its beginning.

    Args:
        state, trajectory: what an iteration would learn from.
    """
    phase, network = learner.phases[0], learner.model.network
    state, trajectory, _ = learner.take_in(state, trajectory)
    batch, _ = phase.prepare(state.weights, state.frozen, trajectory)
    minibatch = learner.pick(phase, batch, state, 0)
    unseen = learner.pick(phase, batch, state, 1) if phase.minibatches > 1 else None
    rows = {name: onto_live(row) for name, row in rows_of(learner, phase, minibatch).gradients.items()}
    own, progress = learner.rules[phase.name], learner.progress(state)
    progress = tf.where(progress < 1.0, progress, 0.0)
    outcomes = {}
    for combiner_name, combiner in combiners.items():
        rule = update_rule(phase, network, combiner, own.optimizer, always_rows=True)
        direction, _ = rule.direction(*watched(phase, minibatch), rule.init(minibatch.weights), minibatch.seed)
        shares = tf.reduce_mean(direction.row_weights, 0).numpy()
        for optimizer_name, optimizer in optimizers.items():
            stepper = update_rule(phase, network, combiner, optimizer, always_rows=True)
            slots = minibatch.rule.slots if optimizer == own.optimizer else stepper.init(minibatch.weights).slots
            step, _ = stepper.step(direction.gradient, minibatch.weights, RuleState(slots, ()), progress)
            outcomes[combiner_name, optimizer_name] = Outcome(
                row_weights=dict(zip(rule.groups, map(float, shares), strict=True)),
                direction=_vector(rule.shared_row(direction.gradient)),
                step=_vector(rule.shared_row(step.delta)),
                expected={name: _inner(row, step.delta) for name, row in rows.items()},
                changes=_changes(phase, minibatch, step.delta),
                elsewhere=_changes(phase, unseen, step.delta) if unseen else dict.fromkeys(rows, float("nan")),
            )
    return outcomes


def cosine_matrix(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """Cosines of n vectors, [n, n]; NaN where one is zero."""
    vectors = np.array(vectors, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units @ units.T


def _vector(row: Sequence[tf.Tensor]) -> np.ndarray:
    return np.concatenate([np.ravel(x) for x in row])


def _inner(row: Mapping, delta: Mapping) -> float:
    return float(sum(np.vdot(g, d) for part in row for g, d in zip(row[part], delta[part], strict=True)))


def _changes(phase: Phase, minibatch: Minibatch, delta: Mapping) -> dict[str, float]:
    moved = {
        part: tuple(w + d for w, d in zip(tensors, delta[part], strict=True)) if part in delta else tensors
        for part, tensors in minibatch.weights.items()
    }
    before, _ = phase.losses(minibatch.weights, minibatch.frozen, minibatch.batch)
    after, _ = phase.losses(moved, minibatch.frozen, minibatch.batch)
    return {name: float(after[name] - before[name]) for name in before}
