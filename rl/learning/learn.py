"""The learning of one iteration as a pure function: (state, trajectory) → (state, metrics)."""

import functools
from typing import Any

import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.ingesting import ingest, is_sound, kept
from rl.learning.learner import Learner
from rl.learning.rounds import run_phase, skipped
from rl.learning.state import TrainState, unless_bad
from rl.learning.update_metrics import Metrics


def learn(learner: Learner, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Metrics]:
    """Runs all phases that are due on a trajectory: ingest, then the rounds of each phase.

    The metric `bad_update` is −1 if everything was finite. Otherwise it is the number of the first non-finite round,
    counted over all phases from 0, or 0 if the trajectory itself is unsound; the run's state is then returned as it was
    before, though the iteration, which all runs share, advances if any run was finite.

    Args: learner, state, trajectory: of all runs; as returned by `collect`.
    Returns: the state after the iteration, and {tag: [S] or [] float32}; metrics of phases that are not due are NaN.
    """
    axis, before = learner.axis, state
    ingested, trajectory, metrics, bad = axis.each(functools.partial(_ingested, learner))(state, trajectory)
    state, prepared, first = state._replace(**ingested), {}, 0
    for phase in learner.phases:
        state = kept(learner, phase, state, prepared)
        run = functools.partial(run_phase, learner, phase, state, trajectory)
        if not phase.is_always_due:  # one condition for all runs: with a batched predicate both branches would run
            due, skip = phase.is_due(state.iteration), functools.partial(skipped, run, state)
            run = functools.partial(tf.cond, due, run, skip)
        state, prepared[phase.name], more, failed = run()
        metrics = {**metrics, **more}
        bad = tf.where((bad < 0) & (failed >= 0), failed + first, bad)
        first += phase.source.rounds
    going_on = tf.cast(tf.reduce_any(bad < 0), tf.int64)
    state = unless_bad(axis, bad, state, before)._replace(iteration=before.iteration + going_on, begun=before.begun)
    return state, {**metrics, "bad_update": tf.cast(bad, tf.float32)}


def _ingested(
    learner: Learner, state: TrainState, trajectory: Trajectory
) -> tuple[dict[str, Any], Trajectory, Metrics, tf.Tensor]:
    """`ingest` for one run, as a function to batch over runs.

    Only the changed fields of the state are returned, {field: value}: the others need no copy. The last result is −1,
    or 0 if the trajectory is unsound, [] int32.
    """
    bad = tf.where(is_sound(learner, trajectory), -1, 0)
    after, trajectory, metrics = ingest(learner.at(state), state, trajectory)
    changed = {name: getattr(after, name) for name in ("frozen", "episodes", "normalizer")}
    return changed, trajectory, metrics, bad
