"""One iteration's learning as a pure function: from (state, trajectory) to (state, numbers to log)."""

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
    """All updates from a trajectory.

    The metric `bad_update` is −1, or the number of the first round whose losses or gradient are not finite, counted
    over all phases, 0 where the trajectory itself holds what is not: the state then comes back as it went in.
    """
    axis, before = learner.axis, state
    ingested, trajectory, metrics, bad = axis.each(functools.partial(_ingested, learner))(state, trajectory)
    state, prepared, first = state._replace(**ingested), {}, 0
    for phase in learner.phases:
        state = kept(learner, phase, state, prepared)
        run = functools.partial(run_phase, learner, phase, state, trajectory)
        if not phase.is_always_due:  # asked once for all runs: of a batched predicate both branches would run
            due, skip = phase.is_due(state.iteration), functools.partial(skipped, run, state)
            run = functools.partial(tf.cond, due, run, skip)
        state, prepared[phase.name], more, failed = run()
        metrics = {**metrics, **more}
        bad = tf.where((bad < 0) & (failed >= 0), failed + first, bad)
        first += phase.source.rounds
    going_on = tf.cast(tf.reduce_any(bad < 0), tf.int64)
    state = unless_bad(axis, bad, state, before)._replace(iteration=before.iteration + going_on)
    return state, {**metrics, "bad_update": tf.cast(bad, tf.float32)}


def _ingested(
    learner: Learner, state: TrainState, trajectory: Trajectory
) -> tuple[dict[str, Any], Trajectory, Metrics, tf.Tensor]:
    """What `ingest` changes and returns, and 0 where the trajectory holds what is not finite, otherwise −1."""
    bad = tf.where(is_sound(learner, trajectory), -1, 0)
    after, trajectory, metrics = ingest(learner.at(state), state, trajectory)
    changed = {name: getattr(after, name) for name in ("frozen", "episodes", "normalizer")}
    return changed, trajectory, metrics, bad
