"""What other rules would do: the step of each from one state and one minibatch. Nothing is applied."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.agents import LIVE
from rl.gradients import onto_live, watched_rows
from rl.instruments.replay import replay, rows_of
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.rules import update_rule
from rl.learning.state import TrainState
from rl.schedules import at_step
from rl.updates import RuleState
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer
from rl.vectors import flat, inner, moved


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
    played = replay(learner, state, trajectory)
    update, network, minibatch = played.update, learner.model.network, played.minibatch(0)
    unseen = played.minibatch(1) if played.phase.source.minibatches > 1 else None
    rows = {name: onto_live(row) for name, row in rows_of(played.learner, minibatch).gradients.items()}
    own, progress = learner.rules[update.name], learner.progress(played.state)
    progress = tf.where(progress < 1.0, progress, 0.0)
    outcomes = {}
    for combiner_name, combiner in combiners.items():
        rule = update_rule(update, network, combiner, own.optimizer, always_rows=True, freeze=played.learner.freeze)
        taken = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
        direction, _ = rule.combine(taken, rule.init(minibatch.weights), minibatch.seed)
        shares = tf.reduce_mean(direction.row_weights, 0).numpy()
        for optimizer_name, optimizer in optimizers.items():
            now = at_step(optimizer, learner.steps_done(state.iteration))
            stepper = update_rule(update, network, combiner, now, always_rows=True, freeze=played.learner.freeze)
            slots = minibatch.rule.slots if optimizer == own.optimizer else stepper.init(minibatch.weights).slots
            step, _ = stepper.step(direction.gradient, minibatch.weights, RuleState(slots, ()), progress)
            outcomes[combiner_name, optimizer_name] = Outcome(
                row_weights=dict(zip(rule.combined, map(float, shares), strict=True)),
                direction=flat(rule.shared_row(direction.gradient)).numpy(),
                step=flat(rule.shared_row(step.delta)).numpy(),
                expected={name: float(inner(row, step.delta)) for name, row in rows.items()},
                changes=_changes(minibatch, step.delta),
                elsewhere=_changes(unseen, step.delta) if unseen else dict.fromkeys(rows, float("nan")),
            )
    return outcomes


def cosine_matrix(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """Cosines of n vectors, [n, n]; NaN where one is zero."""
    vectors = np.array(vectors, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units @ units.T


def _changes(minibatch: Minibatch, delta: Mapping) -> dict[str, float]:
    after = {**minibatch.roles, LIVE: moved(minibatch.weights, delta)}
    (old, _), (new, _) = (minibatch.losses(roles) for roles in (minibatch.roles, after))
    return {name: float(new[name] - old[name]) for name in old}
