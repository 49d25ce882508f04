"""One update: rows, combine, step, apply."""

from typing import NamedTuple, TypeVar

import tensorflow as tf

from rl.agents import Phase, Update
from rl.frozen import FrozenState, copies_after
from rl.gradients import watched_rows
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.learning.update_metrics import Metrics, Proposal, numbers_of
from rl.updates import RuleState
from rl.vectors import moved


class Loop(NamedTuple):
    """What goes from one round of a phase to the next, of one run.

    stopped: [] bool, whether the rest of the phase is left out. bad: [] int32, the first round with an update that is
    not finite, −1 if none. over: [] bool, whether the phase ended before this round. finite: [] bool, whether the
    round's updates are finite so far. taken and sums: of each update, how many rounds entered the sums, and {tag: sum}.
    """

    weights: dict
    rules: dict[str, RuleState]
    frozen: dict[str, FrozenState]
    updates: dict[str, tf.Tensor]
    stopped: tf.Tensor
    bad: tf.Tensor
    over: tf.Tensor
    finite: tf.Tensor
    taken: dict[str, tf.Tensor]
    sums: dict[str, Metrics]


MOVING = ("weights", "rules", "frozen", "updates")
"""The fields of a state that updates move."""
Moving = TypeVar("Moving", TrainState, Loop)


def one_update(learner: Learner, phase: Phase, name: str, state: TrainState, settled, number, loop: Loop) -> Loop:
    """Rows, combine, step, apply: w ← w + Δw, unless something is not finite or the phase is over."""
    learner, phase = learner.of(state, phase)
    update, rule = learner.updates[name], learner.rules[name]
    now = state._replace(weights=loop.weights, rules=loop.rules, frozen=loop.frozen)
    minibatch = learner.before(update, settled, now, number)

    rows = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
    direction, rule_state = rule.combine(rows, minibatch.rule, minibatch.seed)
    step, rule_state = rule.step(direction.gradient, loop.weights, rule_state, learner.progress(state))
    proposal = Proposal(direction, step, rule_state)

    finite = loop.finite & tf.math.is_finite(tf.reduce_sum(tf.stack(list(direction.losses.values()))) + step.norm)
    stopped = loop.stopped | phase.stop(direction.auxiliary)
    sums = {
        tag: loop.sums[update.name][tag] + tf.where(loop.over, 0.0, number)
        for tag, number in numbers_of(learner, update, proposal).items()
    }
    moved_on = _chosen(finite & ~stopped & ~loop.over, applied(learner, loop, update, proposal), loop)
    return moved_on._replace(
        finite=finite,
        stopped=stopped,
        taken={**loop.taken, update.name: loop.taken[update.name] + tf.where(loop.over, 0.0, 1.0)},
        sums={**loop.sums, update.name: sums},
    )


def applied(learner: Learner, moving: Moving, update: Update, proposal: Proposal) -> Moving:
    """w ← w + Δw: a state (or loop) with the proposal applied, and the frozen copies that follow the update moved."""
    weights = moved(moving.weights, proposal.step.delta)
    updates = {**moving.updates, update.name: moving.updates[update.name] + 1}
    frozen = {**moving.frozen, **copies_after(learner.schedules, update.name, moving.frozen, weights, updates)}
    rules = {**moving.rules, update.name: proposal.rule}
    return moving._replace(weights=weights, rules=rules, frozen=frozen, updates=updates)


def _chosen(applies: tf.Tensor, after: Loop, before: Loop) -> Loop:
    """What the updates move, after an update where it applies, otherwise before it."""

    def choose(new, old):
        return new if new is old else tf.where(applies, new, old)

    fields = {name: tf.nest.map_structure(choose, getattr(after, name), getattr(before, name)) for name in MOVING}
    return before._replace(**fields)
