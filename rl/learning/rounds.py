"""The rounds of a phase: draw, settle, rows, combine, step, apply."""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import tensorflow as tf

from rl.agents import Phase, Update, roles_of
from rl.environments import Trajectory
from rl.frozen import FrozenState, copies_after
from rl.gradients import cosines, norms, watched_rows
from rl.learning.state import TrainState
from rl.sources import Orders
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
Moving = TypeVar("Moving", TrainState, _Loop)

Phased = tuple[TrainState, Any, Metrics, tf.Tensor]
"""The state after a phase, the batch that it prepared, metrics, and the first round that was not finite, −1 if none."""


def run_phase(learner: "Learner", phase: Phase, state: TrainState, trajectory: Trajectory) -> Phased:
    """All rounds of a phase.

    Rounds, and which updates are due in them, are counted outside of the batching over runs.

    Args:
        trajectory: normalised.
    """
    each = learner.axis.each
    if any(schedule.before == phase.name for schedule in learner.schedules.values()):
        state = state._replace(frozen=each(functools.partial(learner.copies_before, phase.name))(state))
    data = trajectory if phase.source.of is None else each(phase.source.data)(state.sources[phase.name], ())
    batch, orders, metrics = each(functools.partial(_prepared, learner, phase))(state, data)

    def body(number, loop):
        """A round: draw, settle, and of each update that is due rows, combine, step, apply."""
        settled, loop = each(functools.partial(_settled, learner, phase))(state, batch, orders, number, loop)
        for update in phase.updates:
            updated = each(functools.partial(one_update, learner, phase, update.name))
            updated = functools.partial(updated, state, settled, number)
            if update.every_rounds == 1:
                loop = updated(loop)
            else:
                due = tf.equal(number % update.every_rounds, 0)
                loop = tf.cond(due, functools.partial(updated, loop), lambda loop=loop: loop)
        return number + 1, each(_ended)(number, loop)

    tags = _tags(learner, phase, state, batch, orders)
    start = each(functools.partial(_started, phase, tags))(state)
    # Always to the end, even where the rest is left out: many runs in one program share the number of rounds.
    _, end = tf.while_loop(lambda number, _: number < phase.source.rounds, body, (tf.constant(0), start))
    for update, sums in end.sums.items():
        taken = end.taken[update]
        metrics |= {tag: total / tf.maximum(taken, 1.0) for tag, total in sums.items()}
        applied = tf.cast(end.updates[update] - state.updates[update], tf.float32)
        own = {"update/count": applied, "update/taken": taken}
        metrics |= {_own_tag(learner, update, tag): number for tag, number in own.items()}
    return state._replace(**{name: getattr(end, name) for name in MOVING}), batch, metrics, end.bad


def skipped(run: Callable[[], Phased], state: TrainState) -> Phased:
    """What a phase that is not due gives: the state as it is, zeros for the batch, and metrics that are NaN.

    run: what it would give if it were due; only its shapes and types count.
    """
    _, *specs = tf.function(run, autograph=False).get_concrete_function().structured_outputs
    batch, metrics, bad = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), specs)
    return state, batch, {tag: x + math.nan for tag, x in metrics.items()}, bad - 1


def _prepared(learner: "Learner", phase: Phase, state: TrainState, data: Any) -> tuple[Any, Orders, Metrics]:
    """The phase's samples, their order in its rounds, and metrics."""
    learner, phase = learner.of(state, phase)
    batch, metrics = phase.prepare(roles_of(state.weights, state.frozen), data)
    return batch, learner.orders(phase, state), metrics


def _started(phase: Phase, tags: dict[str, list[str]], state: TrainState) -> _Loop:
    """The loop before the first round."""
    false, zero = tf.constant(False), tf.zeros(())
    return _Loop(
        **{name: getattr(state, name) for name in MOVING},
        stopped=false,
        bad=tf.constant(-1),
        over=false,
        finite=tf.constant(True),
        taken={update.name: zero for update in phase.updates},
        sums={update: dict.fromkeys(own, zero) for update, own in tags.items()},
    )


def _settled(
    learner: "Learner", phase: Phase, state: TrainState, batch, orders, number, loop: _Loop
) -> tuple[Any, _Loop]:
    """Draw, settle: the minibatch of a round, and the loop at its beginning."""
    learner, phase = learner.of(state, phase)
    settled = learner.draw(phase, batch, orders, state, number)
    return settled, loop._replace(over=loop.stopped | (loop.bad >= 0), finite=tf.constant(True))


def one_update(learner: "Learner", phase: Phase, name: str, state: TrainState, settled, number, loop: _Loop) -> _Loop:
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


def applied(learner: "Learner", moving: Moving, update: Update, proposal: Proposal) -> Moving:
    """w ← w + Δw: a state (or loop) with the proposal applied, and the frozen copies that follow the update moved."""
    weights = moved(moving.weights, proposal.step.delta)
    updates = {**moving.updates, update.name: moving.updates[update.name] + 1}
    frozen = {**moving.frozen, **copies_after(learner.schedules, update.name, moving.frozen, weights, updates)}
    rules = {**moving.rules, update.name: proposal.rule}
    return moving._replace(weights=weights, rules=rules, frozen=frozen, updates=updates)


def _chosen(applies: tf.Tensor, after: _Loop, before: _Loop) -> _Loop:
    """What the updates move, after an update where it applies, otherwise before it."""

    def choose(new, old):
        return new if new is old else tf.where(applies, new, old)

    fields = {name: tf.nest.map_structure(choose, getattr(after, name), getattr(before, name)) for name in MOVING}
    return before._replace(**fields)


def _ended(number: tf.Tensor, loop: _Loop) -> _Loop:
    """The loop at the end of a round, which is the first bad one where an update was not finite."""
    return loop._replace(bad=tf.where(loop.finite | loop.over, loop.bad, number))


def numbers_of(learner: "Learner", update: Update, proposal: Proposal) -> Metrics:
    """The metrics of one update, {tag: [] float32}; an iteration's are the means over its rounds."""
    direction, step, _ = proposal
    numbers = {f"objective/{name}": loss for name, loss in direction.losses.items()}
    numbers.update(direction.auxiliary)
    numbers["update/gradient_norm"] = step.norm
    numbers["update/clip_ratio"] = step.clip_factor
    numbers["update/learning_rate"] = step.learning_rate
    if direction.gramian is not None:
        total = tf.reduce_sum(direction.gramian, 0)
        groups = learner.rules[update.name].combined
        lengths, angles = (tf.cast(x, tf.float32) for x in (norms(total), cosines(total)))
        for g, group in enumerate(groups):
            numbers[f"gradient/group_norm/{group}"] = lengths[g]
            numbers[f"update/row_weight/{group}"] = tf.reduce_mean(direction.row_weights[:, g])
            for h, other in enumerate(groups[:g]):
                numbers[f"gradient/group_cosine/{other}-{group}"] = angles[h, g]
    return {_own_tag(learner, update.name, tag): number for tag, number in numbers.items()}


def _own_tag(learner: "Learner", update: str, tag: str) -> str:
    """The tag, with the update's name where the agent has several updates and their numbers would collide."""
    several = len(learner.updates) > 1 and tag.startswith(("update/", "gradient/"))
    return f"{tag}/{update}" if several else tag


def _tags(learner: "Learner", phase: Phase, state: TrainState, batch, orders) -> dict[str, list[str]]:
    """{update: the tags of its numbers}, found by tracing the losses of one run aside: no tag depends on a gradient."""
    nest = tf.nest.map_structure(lambda x: learner.axis.take(x, 0), (state, batch, orders))

    def numbers(state, batch, orders):
        one, own = learner.of(state, phase)
        settled, found = one.draw(own, batch, orders, state, 0), {}
        for update in own.updates:
            minibatch, number = one.before(update, settled, state, 0), tf.zeros(())
            values, diagnostics = minibatch.losses(minibatch.seen)
            k = len(one.rules[update.name].combined)
            rows = (tf.zeros((1, k, k)), tf.zeros((1, k))) if one.rules[update.name].takes_rows else (None, None)
            direction, step = Direction(values, diagnostics, {}, *rows), Step({}, {}, number, number, number)
            found[update.name] = numbers_of(one, update, Proposal(direction, step, minibatch.rule))
        return found

    traced = tf.function(numbers, autograph=False).get_concrete_function(*nest).structured_outputs
    return {update: list(found) for update, found in traced.items()}
