"""What other update rules would do: the step of each from the same state and minibatch. Nothing is applied."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.agents import LIVE
from rl.errors import require
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
    """The step of one rule, and its effect on the losses. P is the number of shared weights."""

    row_weights: dict[str, float]
    """{group: the combiner's weight of its row}, averaged over layers."""
    direction: np.ndarray
    """The combined gradient on the shared weights, [P]."""
    step: np.ndarray
    """Δw on the shared weights, [P]."""
    expected: dict[str, float]
    """{objective: g_i · Δw}, the first-order change of its loss, over all weights, heads included."""
    changes: dict[str, float]
    """{objective: measured change of its loss on the minibatch}."""
    elsewhere: dict[str, float]
    """{objective: measured change on the next minibatch}, from which the step was not computed; NaN without one."""


def what_if(
    learner: Learner,
    state: TrainState,
    trajectory,
    combiners: Mapping[str, Combiner],
    optimizers: Mapping[str, Optimizer],
) -> dict[tuple[str, str], Outcome]:
    """Computes the outcome of every combination of combiner and optimizer, on the first minibatch of the first update.

    An optimizer equal to the run's own starts from the run's slots, any other from initial slots, with which Adam and
    RMSProp step as if the gradient had always been this one. A combiner equal to the run's own starts from the run's
    state (GradNorm, GradVac), any other from its initial state. Learning rates are the current ones; for a completed
    run, whose schedule may have reached 0, the initial ones.

    Args:
        learner: of one run, with a network that shares weights.
        state: of one run, before the iteration's learning.
        trajectory: of one run, [T, N, ...], as returned by `collect`.
        combiners, optimizers: {name: combiner or optimizer}.
    Returns: {(combiner, optimizer): outcome}, by their names.
    """
    played = replay(learner, state, trajectory, combining_update(learner))
    update, network, minibatch = played.update, learner.model.network, played.minibatch(0)
    source = played.phase.source
    other = source.rounds if learner.alternates else 1 if source.minibatches > 1 else None
    unseen = None if other is None else played.minibatch(other)
    rows = {name: onto_live(row) for name, row in rows_of(played.learner, minibatch).gradients.items()}
    own, progress = learner.rules[update.name], learner.progress(played.state)
    progress = tf.where(progress < 1.0, progress, 0.0)
    outcomes = {}
    for combiner_name, combiner in combiners.items():
        rule = update_rule(update, network, combiner, own.optimizer, always_rows=True, freeze=played.learner.freeze)
        taken = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
        before = minibatch.rule if combiner == own.combiner else rule.init(minibatch.weights)
        direction, _ = rule.combine(taken, before, minibatch.seed)
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


def combining_update(learner: Learner) -> str:
    """The first update in which a combiner has several rows to combine.

    Raises: ConfigError where there is none.
    """
    found = next((name for name, rule in learner.rules.items() if rule.shared), None)
    require(found is not None, "no update of the agent has two groups of objectives that share weights (agent.groups).")
    return found


def cosine_matrix(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The cosines of all pairs of n vectors [P], [n, n]; NaN for pairs with a zero vector."""
    vectors = np.array(vectors, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units @ units.T


def _changes(minibatch: Minibatch, delta: Mapping) -> dict[str, float]:
    """{objective: change of its loss on the minibatch} when the live weights move by Δw, {part: tensors}."""
    after = {**minibatch.roles, LIVE: moved(minibatch.weights, delta)}
    (old, _), (new, _) = (minibatch.losses(roles) for roles in (minibatch.roles, after))
    return {name: float(new[name] - old[name]) for name in old}
