"""An iteration of an agent that learns from memory: learning and acting alternate.

A tick is the minibatches of the phase, drawn from its ring, and then `agent.rollout_length` steps of every environment,
which are written into it. The rings are neither batched over runs, nor selected, nor part of what the probes get: each
of these would copy them. If an update is not finite, the state goes back to that before the iteration, but for the
rings: the repeated rollout writes the same rows to the same places. Outside of XLA the rings' own tensors are changed,
so that an iteration that an error cut short has overwritten the oldest rows (`Memory.interrupted`).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase, roles_of
from rl.environments import Trajectory
from rl.learning.collecting import collect
from rl.learning.drawing import Seen, drawn, own_windows, seen_first, steps_of, written
from rl.learning.episodes import EpisodeState, EpisodeSummary, episode_metrics, follow_episodes
from rl.learning.host_log import stacked
from rl.learning.ingesting import is_sound
from rl.learning.learner import Learner
from rl.learning.normalization import NormalizerState
from rl.learning.rollout import RolloutNoise
from rl.learning.rounds import run_phase
from rl.learning.seeds import Purpose, fold
from rl.learning.state import TrainState, unless_bad
from rl.learning.update_metrics import Metrics
from rl.sources import Windows

_SUMMED = ("update/count", "update/taken")


def learnt(
    learner: Learner, state: TrainState, windows: Windows, number: tf.Tensor
) -> tuple[TrainState, Metrics, tf.Tensor, tf.Tensor]:
    """The learning of a tick: the phase on its windows.

    Args: state: of all runs, without the rings; windows: from `drawn`; number: of the tick, [] int32.
    Returns: the state, {tag: metric}, the first non-finite round or −1, and for a source that prioritises the errors of
        the samples [rounds · B], of all runs.
    """
    (phase,), axis = learner.phases, learner.axis
    state, batch, metrics, bad = run_phase(learner, phase, state, windows, number * phase.source.rounds)
    if not phase.source.prioritizes:
        return state, metrics, bad, tf.zeros(axis.shape)
    return state, metrics, bad, axis.each(functools.partial(_errors, learner, phase, number))(state, batch)


class Followed(NamedTuple):
    """What the steps that were taken change, of all runs."""

    episodes: EpisodeState
    """The running episodes."""
    normalizer: NormalizerState
    """The statistics."""
    summary: EpisodeSummary
    """The summary of the episodes that ended in these steps."""
    is_sound: tf.Tensor
    """Whether all values are, see `ingesting.is_sound`; bool."""


def followed(learner: Learner, state: TrainState, trajectory: Trajectory) -> Followed:
    """Follows episodes and statistics through steps that were taken.

    Args: state: of all runs, without the rings.
    """

    def one(state, trajectory):
        normalizer, ended = learner.at(state).normalizer, trajectory.terminated | trajectory.truncated
        episodes, summary = follow_episodes(state.episodes, trajectory.reward, ended, trajectory.valid)
        seen = normalizer.update(state.normalizer, trajectory.observation, trajectory.reward, ended, trajectory.valid)
        return Followed(episodes, seen, summary, is_sound(learner, trajectory))

    return learner.axis.each(one)(state, trajectory)


def alternate(
    learner: Learner, state: TrainState, random: RolloutNoise, *, learnt: Callable, chances: Callable
) -> tuple[TrainState, Metrics, Seen]:
    """Runs the ticks of an iteration.

    The phase is due `starts_at` iterations after the memory begins, which then holds the steps of the warm-up. There is
    a loop with learning and one without, of which one has no ticks: a choice at every tick would copy all weights.

    Args:
        learner, state: of all runs.
        random: the random numbers of all steps of the iteration.
        learnt: the function of this name as a program.
        chances: `drawing.random_part` of this learner as a program.
    Returns: the state after it, {tag: metric}, means over the ticks, and what the first tick learnt from.
    """
    (phase,), axis = learner.phases, learner.axis
    seen = seen_first(learner, state, chances=chances)
    before = seen.state
    shapes = tf.function(functools.partial(learnt, learner), autograph=False)
    metrics = shapes.get_concrete_function(
        before, own_windows(learner, seen.windows), tf.constant(0)
    ).structured_outputs[1]
    zero = stacked({tag: tf.zeros(spec.shape) for tag, spec in metrics.items()})
    nobody, summary = tf.broadcast_to(tf.constant(-1), axis.shape), axis.each(_no_summary)(state.episodes)
    start = _Ticks(_zero_once_read(seen.windows), state, nobody, zero, zero, summary)
    due = phase.is_due(state.iteration - state.begun)
    end = _ticks(learner, start, random, ~due, None, chances)
    end = _ticks(learner, end, random, due, learnt, chances)
    kept = unless_bad(axis, end.bad, end.state._replace(sources={}), before)
    finite = tf.cast(tf.reduce_any(end.bad < 0), tf.int64)
    kept = kept._replace(sources=end.state.sources, iteration=before.iteration + finite, begun=before.begun)
    summed = tf.constant([tag.startswith(_SUMMED) for tag in metrics])
    means = tf.where(summed, end.sums, end.sums / end.counts)  # NaN where there was none
    means = dict(zip(metrics, tf.unstack(means, axis=-1), strict=True))
    found = axis.each(episode_metrics)(end.summary)
    return kept, {**found, **means, "bad_update": tf.cast(end.bad, tf.float32)}, seen


class _Ticks(NamedTuple):
    """The loop variables of the ticks, of all runs."""

    number: tf.Tensor
    """Ticks done, [] int32."""
    state: TrainState
    bad: tf.Tensor
    """The first non-finite round of the last tick; its first round if the steps taken are unsound; or −1."""
    sums: tf.Tensor
    """The sum of each metric over the ticks in which it is finite, [..., number of tags], in the order of the tags."""
    counts: tf.Tensor
    """The number of those ticks for each metric, [..., number of tags]."""
    summary: EpisodeSummary
    """Of the episodes that ended."""


def _zero_once_read(windows: Windows) -> tf.Tensor:
    """0, [] int32, but known only once all windows are read: a loop that starts with it need not copy the ring."""
    numbers = [tf.cast(x, tf.float32) for x in tf.nest.flatten(windows)]
    return tf.cast(tf.reduce_any([tf.reduce_any((x > 1e38) & (x < -1e38)) for x in numbers]), tf.int32)


def _ticks(
    learner: Learner,
    start: _Ticks,
    random: RolloutNoise,
    due: tf.Tensor,
    learnt: Callable | None,
    chances: Callable,
) -> _Ticks:
    """Runs all ticks of an iteration if `due` ([] bool), or those up to a non-finite update.

    learnt: None if nothing is to be learnt; chances: see `alternate`.
    """
    (phase,), axis, length = learner.phases, learner.axis, learner.agent.rollout_length
    in_place = not learner.environment.compiled  # a loop outside of XLA would copy the ring at every write

    def going_on(ticks):
        return due & (ticks.number < learner.agent.ticks) & tf.reduce_all(ticks.bad < 0)

    def tick(ticks):
        """Learns from the ring, then acts and writes into it."""
        number, state = ticks.number, ticks.state
        bare, memory = state._replace(sources={}), state.sources[phase.name]
        if learnt is not None:
            windows, places = drawn(learner, state, number, chances=chances)
            bare, found, bad, errors = learnt(learner, bare, windows, number)
            memory = phase.source.told(memory, places, errors, axis.shape, in_place=in_place)
            found = stacked(found)
            there = tf.math.is_finite(found)
            sums = ticks.sums + tf.where(there, found, 0.0)
            ticks = ticks._replace(bad=bad, sums=sums, counts=ticks.counts + tf.cast(there, tf.float32))
        noise = RolloutNoise(*(steps_of(axis, x, number * length, length) for x in random))
        bare, trajectory = collect(learner, bare, noise)
        taken = followed(learner, bare, trajectory)
        unsound = (ticks.bad < 0) & ~taken.is_sound
        ticks = ticks._replace(bad=tf.where(unsound, number * phase.source.rounds, ticks.bad))
        # 0, but only known once the minibatches were read and learnt: otherwise XLA writes first and copies the ring.
        after = tf.cast(tf.minimum(tf.reduce_min(ticks.bad) + 1, 0), tf.int64)
        rows = written(learner, state.iteration, number) + after
        memory = phase.source.put(memory, trajectory, rows, axis.shape, in_place=in_place)
        state = bare._replace(episodes=taken.episodes, normalizer=taken.normalizer, sources={phase.name: memory})
        summary = axis.each(_both)(ticks.summary, taken.summary)
        return (ticks._replace(number=number + 1, state=state, summary=summary),)

    (end,) = tf.while_loop(going_on, tick, (start,), parallel_iterations=1)
    return end


def _errors(learner: Learner, phase: Phase, number: tf.Tensor, state: TrainState, batch: Any) -> tf.Tensor:
    """The errors of one run's samples after the learning of a tick, [rounds · B]."""
    learner, phase = learner.of(state, phase)
    settled = phase.settle(batch, fold(state.seed, Purpose.PRIORITY, state.iteration, number))
    return phase.errors(roles_of(state.weights, state.frozen), settled)


def _no_summary(episodes) -> EpisodeSummary:
    """The summary of no episode, of one run."""
    zero, infinity = tf.reduce_sum(0.0 * episodes.returns), tf.constant(float("inf"))
    return EpisodeSummary(zero, zero, zero + infinity, zero - infinity, zero)


def _both(one: EpisodeSummary, other: EpisodeSummary) -> EpisodeSummary:
    """The summary of the episodes of two."""
    lowest, highest = tf.minimum(one.return_min, other.return_min), tf.maximum(one.return_max, other.return_max)
    total = EpisodeSummary(*(x + y for x, y in zip(one, other, strict=True)))
    return total._replace(return_min=lowest, return_max=highest)
