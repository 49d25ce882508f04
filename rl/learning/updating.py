"""One update of one run: rows, combine, step, apply.

The rows are the groups' gradients (or the total loss's); `combine` makes one gradient of them, `step` turns it into Δw.
"""

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
    """The loop variables of a phase's rounds, of one run. The first four are fields of `TrainState`."""

    weights: dict
    rules: dict[str, RuleState]
    frozen: dict[str, FrozenState]
    updates: dict[str, tf.Tensor]
    stopped: tf.Tensor
    """Whether the agent's stopping rule ended the phase, [] bool; nothing is applied from then on."""
    bad: tf.Tensor
    """The first round with a non-finite update, [] int32; −1 if there is none."""
    over: tf.Tensor
    """Whether the phase ended before the current round, [] bool: by `stopped` or by `bad`."""
    finite: tf.Tensor
    """Whether all updates of the current round so far are finite, [] bool."""
    taken: dict[str, tf.Tensor]
    """{update: number of rounds in `sums`, [] float32}."""
    sums: dict[str, Metrics]
    """{update: {tag: sum over the rounds so far, [] float32}}."""


MOVING = ("weights", "rules", "frozen", "updates")
"""The fields of `TrainState` and `Loop` that updates change."""
Moving = TypeVar("Moving", TrainState, Loop)


def one_update(learner: Learner, phase: Phase, name: str, state: TrainState, settled, number, loop: Loop) -> Loop:
    """Makes one update: w ← w + Δw; in a phase that may stop early, unless it has ended or the update is not finite.

    Where a phase never stops nothing is chosen, which would copy every tensor of the loop: an update that is not finite
    is undone with its iteration, by `unless_bad`.

    Args:
        learner, phase: those of all runs; hyperparameters are taken from the state.
        name: of the update.
        state: at the start of the phase; its seed, iteration and hyperparameters are used.
        settled: the settled minibatch of the round, [B, ...].
        number: the round, from 0, [] int32.
        loop: before the update; its weights, rules and copies are used.
    Returns: the loop after the update. The update's metrics are added even if it was not applied, unless the phase had
        ended before this round.
    """
    learner, phase = learner.of(state, phase)
    update, rule = learner.updates[name], learner.rules[name]
    now = state._replace(weights=loop.weights, rules=loop.rules, frozen=loop.frozen)
    minibatch = learner.before(update, settled, now, number)

    rows = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
    direction, rule_state = rule.combine(rows, minibatch.rule, minibatch.seed)
    step, rule_state = rule.step(direction.gradient, loop.weights, rule_state, learner.progress(state))
    proposal = Proposal(direction, step, rule_state)

    finite = loop.finite & tf.math.is_finite(tf.reduce_sum(tf.stack(list(direction.losses.values()))) + step.norm)
    stopped = loop.stopped if phase.stop is None else loop.stopped | phase.stop(direction.auxiliary)
    sums = {
        tag: loop.sums[update.name][tag] + tf.where(loop.over, 0.0, number)
        for tag, number in numbers_of(learner, update, proposal).items()
    }
    moved_on = applied(learner, loop, update, proposal)
    if phase.stop is not None:
        moved_on = _chosen(finite & ~stopped & ~loop.over, moved_on, loop)
    return moved_on._replace(
        finite=finite,
        stopped=stopped,
        taken={**loop.taken, update.name: loop.taken[update.name] + tf.where(loop.over, 0.0, 1.0)},
        sums={**loop.sums, update.name: sums},
    )


def applied(learner: Learner, moving: Moving, update: Update, proposal: Proposal) -> Moving:
    """Applies a proposal, w ← w + Δw, and moves the frozen copies that follow the update; no condition is checked.

    Args: moving: a state or loop of one run.
    Returns: it with new weights, frozen copies, rule state and count of updates.
    """
    weights = moved(moving.weights, proposal.step.delta)
    updates = {**moving.updates, update.name: moving.updates[update.name] + 1}
    frozen = {**moving.frozen, **copies_after(learner.schedules, update.name, moving.frozen, weights, updates)}
    rules = {**moving.rules, update.name: proposal.rule}
    return moving._replace(weights=weights, rules=rules, frozen=frozen, updates=updates)


def _chosen(applies: tf.Tensor, after: Loop, before: Loop) -> Loop:
    """The fields `MOVING` after an update if it is applied ([] bool), otherwise before it; all others unchanged."""

    def choose(new, old):
        """The new tensor or the old one; a tensor that the update did not change needs no selection."""
        return new if new is old else tf.where(applies, new, old)

    fields = {name: tf.nest.map_structure(choose, getattr(after, name), getattr(before, name)) for name in MOVING}
    return before._replace(**fields)
