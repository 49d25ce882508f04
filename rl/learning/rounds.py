"""The rounds of a phase: draw, settle, rows, combine, step, apply."""

import functools
import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rl.agents import Phase, roles_of
from rl.environments import Trajectory
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.learning.update_metrics import Metrics, own_tag, tags_of
from rl.learning.updating import MOVING, Loop, one_update
from rl.sources import Orders

Phased = tuple[TrainState, Any, Metrics, tf.Tensor]
"""The state after a phase, the batch that it prepared, metrics, and the first round that was not finite, −1 if none."""


def run_phase(learner: Learner, phase: Phase, state: TrainState, trajectory: Trajectory) -> Phased:
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

    tags = tags_of(learner, phase, state, batch, orders)
    start = each(functools.partial(_started, phase, tags))(state)
    # Always to the end, even where the rest is left out: many runs in one program share the number of rounds.
    _, end = tf.while_loop(lambda number, _: number < phase.source.rounds, body, (tf.constant(0), start))
    for update, sums in end.sums.items():
        taken = end.taken[update]
        metrics |= {tag: total / tf.maximum(taken, 1.0) for tag, total in sums.items()}
        applied = tf.cast(end.updates[update] - state.updates[update], tf.float32)
        own = {"update/count": applied, "update/taken": taken}
        metrics |= {own_tag(learner, update, tag): number for tag, number in own.items()}
    return state._replace(**{name: getattr(end, name) for name in MOVING}), batch, metrics, end.bad


def skipped(run: Callable[[], Phased], state: TrainState) -> Phased:
    """What a phase that is not due gives: the state as it is, zeros for the batch, and metrics that are NaN.

    run: what it would give if it were due; only its shapes and types count.
    """
    _, *specs = tf.function(run, autograph=False).get_concrete_function().structured_outputs
    batch, metrics, bad = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), specs)
    return state, batch, {tag: x + math.nan for tag, x in metrics.items()}, bad - 1


def _prepared(learner: Learner, phase: Phase, state: TrainState, data: Any) -> tuple[Any, Orders, Metrics]:
    """The phase's samples, their order in its rounds, and metrics."""
    learner, phase = learner.of(state, phase)
    batch, metrics = phase.prepare(roles_of(state.weights, state.frozen), data)
    return batch, learner.orders(phase, state), metrics


def _started(phase: Phase, tags: dict[str, list[str]], state: TrainState) -> Loop:
    """The loop before the first round."""
    false, zero = tf.constant(False), tf.zeros(())
    return Loop(
        **{name: getattr(state, name) for name in MOVING},
        stopped=false,
        bad=tf.constant(-1),
        over=false,
        finite=tf.constant(True),
        taken={update.name: zero for update in phase.updates},
        sums={update: dict.fromkeys(own, zero) for update, own in tags.items()},
    )


def _settled(learner: Learner, phase: Phase, state: TrainState, batch, orders, number, loop: Loop) -> tuple[Any, Loop]:
    """Draw, settle: the minibatch of a round, and the loop at its beginning."""
    learner, phase = learner.of(state, phase)
    settled = learner.draw(phase, batch, orders, state, number)
    return settled, loop._replace(over=loop.stopped | (loop.bad >= 0), finite=tf.constant(True))


def _ended(number: tf.Tensor, loop: Loop) -> Loop:
    """The loop at the end of a round, which is the first bad one where an update was not finite."""
    return loop._replace(bad=tf.where(loop.finite | loop.over, loop.bad, number))
