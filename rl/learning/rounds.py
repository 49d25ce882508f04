"""The rounds of a phase: draw, settle, rows, combine, step, apply."""

from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase, Update, roles_of
from rl.environments import Trajectory
from rl.frozen import FrozenState
from rl.gradients import cosines, norms
from rl.learning.minibatch import losses_of, roles_at
from rl.learning.state import TrainState
from rl.updates import Direction, RuleState, Step
from rl.vectors import moved

if TYPE_CHECKING:
    from rl.learning.learner import Learner

Metrics = dict[str, tf.Tensor]


class Proposal(NamedTuple):
    """What an update would do: the combined gradient, Δw, and the rule's next state. Nothing is applied."""

    direction: Direction
    step: Step
    rule: RuleState


class _Loop(NamedTuple):
    """What goes from one round of a phase to the next.

    stopped: whether the rest is left out; bad: the number of the first round with an update that is not finite, −1 if
    none; taken: how many rounds entered the sums.
    """

    round: tf.Tensor
    weights: dict
    rules: dict[str, RuleState]
    frozen: dict[str, FrozenState]
    updates: tf.Tensor
    stopped: tf.Tensor
    bad: tf.Tensor
    taken: tf.Tensor
    sums: Metrics

    @property
    def over(self) -> tf.Tensor:
        """Whether the phase came to its end before this round, [] bool."""
        return self.stopped | (self.bad >= 0)


def run_phase(
    learner: "Learner", phase: Phase, state: TrainState, trajectory: Trajectory
) -> tuple[TrainState, Metrics, tf.Tensor]:
    """All rounds of a phase: the state after it, metrics, and the first round that was not finite, −1 if none."""
    batch, metrics = phase.prepare(roles_of(state.weights, state.frozen), trajectory)
    orders, progress = learner.orders(phase, state), learner.progress(state)

    def body(*carry):
        loop = _Loop(*carry)
        settled = learner.draw(phase, batch, orders, state, loop.round)
        numbers: Metrics = {}
        finite, stopped, starts = tf.constant(True), loop.stopped, loop
        for update in phase.updates:
            now = state._replace(weights=loop.weights, rules=loop.rules, frozen=loop.frozen)
            proposal = learner.propose(update, learner.before(update, settled, now, loop.round), progress)
            losses = tf.stack(list(proposal.direction.losses.values()))
            finite &= tf.math.is_finite(tf.reduce_sum(losses) + proposal.step.norm)
            stopped |= phase.stop(proposal.direction.auxiliary)
            numbers |= _numbers(learner, update, proposal)
            loop = _applied(learner, loop, update, proposal, finite & ~stopped & ~starts.over)
        return _counted(starts, loop, numbers, finite, stopped)

    sums = {tag: tf.zeros(()) for tag in _tags(learner, phase, batch, state)}
    never, none = tf.constant(False), tf.constant(-1)
    start = _Loop(
        tf.constant(0), state.weights, state.rules, state.frozen, state.updates, never, none, tf.zeros(()), sums
    )
    # Always to the end, even where the rest is left out: many runs in one program share the number of rounds.
    end = _Loop(*tf.while_loop(lambda number, *_: number < phase.source.rounds, body, start))
    applied = tf.cast(end.updates - state.updates, tf.float32)
    means = {tag: total / tf.maximum(end.taken, 1.0) for tag, total in end.sums.items()}
    metrics = {**metrics, **means, "update/count": applied, "update/taken": end.taken}
    state = state._replace(weights=end.weights, rules=end.rules, frozen=end.frozen, updates=end.updates)
    return state, metrics, end.bad


def _applied(learner: "Learner", loop: _Loop, update: Update, proposal: Proposal, applies: tf.Tensor) -> _Loop:
    """The loop after an update, w ← w + Δw where it applies."""

    def choose(new, old):
        return tf.nest.map_structure(lambda a, b: tf.where(applies, a, b), new, old)

    weights = choose(moved(loop.weights, proposal.step.delta), loop.weights)
    rules = {**loop.rules, update.name: choose(proposal.rule, loop.rules[update.name])}
    updates = loop.updates + tf.cast(applies, tf.int64)
    frozen = {
        role: choose(schedule.after_update(loop.frozen[role], weights, updates), loop.frozen[role])
        for role, schedule in learner.schedules.items()
    }
    return loop._replace(weights=weights, rules=rules, frozen=frozen, updates=updates)


def _counted(before: _Loop, after: _Loop, numbers: Metrics, finite, stopped) -> _Loop:
    """The loop after a round, with its numbers in the sums unless the phase was over before it."""
    over = before.over
    return after._replace(
        round=before.round + 1,
        stopped=stopped,
        bad=tf.where(finite | over, before.bad, before.round),
        taken=before.taken + tf.where(over, 0.0, 1.0),
        sums={tag: before.sums[tag] + tf.where(over, 0.0, number) for tag, number in numbers.items()},
    )


def _numbers(learner: "Learner", update: Update, proposal: Proposal) -> Metrics:
    """What an update has to say; the iteration's metrics are the means over its rounds."""
    direction, step, _ = proposal
    numbers = {f"objective/{name}": loss for name, loss in direction.losses.items()}
    numbers.update(direction.auxiliary)
    numbers["update/gradient_norm"] = step.norm
    numbers["update/clip_ratio"] = step.clip_factor
    numbers["update/learning_rate"] = step.learning_rate
    if direction.gramian is not None:
        total = tf.reduce_sum(direction.gramian, 0)
        groups = list(update.groups)
        lengths, angles = (tf.cast(x, tf.float32) for x in (norms(total), cosines(total)))
        for g, group in enumerate(groups):
            numbers[f"gradient/group_norm/{group}"] = lengths[g]
            numbers[f"update/row_weight/{group}"] = tf.reduce_mean(direction.row_weights[:, g])
            for h, other in enumerate(groups[:g]):
                numbers[f"gradient/group_cosine/{other}-{group}"] = angles[h, g]
    if len(learner.updates) == 1:
        return numbers
    # Several updates have numbers of their own.
    own = ("update/", "gradient/")
    return {f"{tag}/{update.name}" if tag.startswith(own) else tag: number for tag, number in numbers.items()}


def _tags(learner: "Learner", phase: Phase, batch: Any, state: TrainState) -> list[str]:
    """The tags of a round's numbers, found by tracing its losses aside: no tag depends on a gradient."""

    def one_round():
        settled, found = learner.draw(phase, batch, learner.orders(phase, state), state, 0), {}
        for update in phase.updates:
            minibatch, number = learner.before(update, settled, state, 0), tf.zeros(())
            values, diagnostics = losses_of(update, settled)(roles_at(update, minibatch.roles))
            k = len(update.groups)
            rows = (tf.zeros((1, k, k)), tf.zeros((1, k))) if learner.rules[update.name].takes_rows else (None, None)
            direction, step = Direction(values, diagnostics, {}, *rows), Step({}, {}, number, number, number)
            found |= _numbers(learner, update, Proposal(direction, step, minibatch.rule))
        return found

    return list(tf.function(one_round, autograph=False).get_concrete_function().structured_outputs)
