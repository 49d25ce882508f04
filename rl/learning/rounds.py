"""The rounds of a phase: draw, settle, rows, combine, step, apply.

A round is one minibatch and the updates made from it. The loop over rounds, and the choice of the updates that are due
in one, are outside the batching over runs: all runs of a program share them, and a batched condition would execute both
of its branches.
"""

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

_LONGEST_PERIOD = 4
"""Rounds of a period that are traced one by one: more would take long to compile."""

Phased = tuple[TrainState, Any, Metrics, tf.Tensor]
"""(state after a phase, prepared batch, {tag: metric}, number of the first non-finite round or −1), all of all runs."""


def run_phase(
    learner: Learner, phase: Phase, state: TrainState, trajectory: Trajectory, first: tf.Tensor | int = 0
) -> Phased:
    """Executes a phase: refreshes its copies, prepares its batch, and runs all of its rounds.

    Args:
        state: of all runs, before the phase.
        trajectory: of all runs, normalised; for a source that replays, the windows drawn for this execution.
        first: number of the first round, a multiple of the phase's rounds; above 0 where a phase is executed several
            times in an iteration.
    Returns: see `Phased`. An update's metric is its mean over the rounds in which it was due, until the phase stopped.
    """
    each = learner.axis.each
    if learner.refreshed_before(phase):
        state = state._replace(frozen=each(functools.partial(learner.copies_before, phase.name))(state))
    data = trajectory if phase.source.of is None else each(phase.source.data)(state.sources[phase.name], ())
    batch, orders, metrics = each(functools.partial(_prepared, learner, phase))(state, data)

    period = _period(phase)

    def body(number, loop):
        """A period of rounds: draw and settle; then rows, combine, step and apply for each update that is due."""
        for place in range(period):
            settled, loop = each(functools.partial(_settled, learner, phase))(state, batch, orders, number, loop)
            for update in phase.updates:
                updated = each(functools.partial(one_update, learner, phase, update.name))
                updated = functools.partial(updated, state, settled, number)
                if period % update.every_rounds:  # not known while tracing
                    due = tf.equal(number % update.every_rounds, 0)
                    loop = tf.cond(due, functools.partial(updated, loop), lambda loop=loop: loop)
                elif place % update.every_rounds == 0:
                    loop = updated(loop)
            number, loop = number + 1, each(_ended)(number, loop)
        return number, loop

    tags = tags_of(learner, phase, state, batch)
    start = each(functools.partial(_started, phase, tags))(state)
    # All rounds are executed, even if a run has stopped: the runs of a program share the number of rounds.
    last = first + phase.source.rounds
    _, end = tf.while_loop(lambda number, _: number < last, body, (tf.constant(0) + first, start))
    for update, sums in end.sums.items():
        taken = end.taken[update]
        metrics |= {tag: total / taken for tag, total in sums.items()}  # NaN for an update that was never due
        applied = tf.cast(end.updates[update] - state.updates[update], tf.float32)
        own = {"update/count": applied, "update/taken": taken}
        metrics |= {own_tag(learner, update, tag): number for tag, number in own.items()}
    return state._replace(**{name: getattr(end, name) for name in MOVING}), batch, metrics, end.bad


def _period(phase: Phase) -> int:
    """Rounds after which the same updates are due again, if the phase is made of such periods and they are short; or 1.

    Which updates are due is then known while tracing: a condition would copy every weight and slot (XLA).
    """
    period = math.lcm(*(update.every_rounds for update in phase.updates))
    return period if period <= _LONGEST_PERIOD and phase.source.rounds % period == 0 else 1


def skipped(run: Callable[[], Phased], state: TrainState) -> Phased:
    """The result of a phase that is not due: the state unchanged, a batch of zeros, and NaN for every metric.

    Args: run: executes the phase; it is traced for the shapes and dtypes of its results, not called.
    """
    _, *specs = tf.function(run, autograph=False).get_concrete_function().structured_outputs
    batch, metrics, bad = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), specs)
    return state, batch, {tag: x + math.nan for tag, x in metrics.items()}, bad - 1


def _prepared(learner: Learner, phase: Phase, state: TrainState, data: Any) -> tuple[Any, Orders, Metrics]:
    """The prepared batch of one run [B, ...], the samples of each round, and the metrics of the preparation."""
    learner, phase = learner.of(state, phase)
    batch, metrics = phase.prepare(roles_of(state.weights, state.frozen), data)
    return batch, learner.orders(phase, state), metrics


def _started(phase: Phase, tags: dict[str, list[str]], state: TrainState) -> Loop:
    """The loop of one run before the first round.

    Args: tags: {update: the tags of its metrics}, whose sums start at 0.
    """
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
    """The settled minibatch of a round of one run, and the loop at the start of the round."""
    learner, phase = learner.of(state, phase)
    settled = learner.draw(phase, batch, orders, state, number)
    return settled, loop._replace(over=loop.stopped | (loop.bad >= 0), finite=tf.constant(True))


def _ended(number: tf.Tensor, loop: Loop) -> Loop:
    """The loop of one run at the end of round `number`, which becomes `bad` if it is the first non-finite one."""
    return loop._replace(bad=tf.where(loop.finite | loop.over, loop.bad, number))
