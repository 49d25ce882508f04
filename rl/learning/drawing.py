"""What the ticks of an iteration that learns from memory draw from the ring; see alternating.py."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.learner import Learner
from rl.learning.seeds import Purpose, fold
from rl.learning.state import TrainState
from rl.sources import Windows


class Seen(NamedTuple):
    """What the first tick of an iteration learns from."""

    state: TrainState
    """Before the iteration, without the rings."""
    windows: Windows
    """The normalised windows of all minibatches, [2 · rounds · B, W, ...]: the tick's own, and as many independent ones
    that it does not learn from.
    """


def seen_first(learner: Learner, state: TrainState) -> Seen:
    """What the first tick of an iteration learns from, of all runs; state: with the rings."""
    own, _ = drawn(learner, state, tf.constant(0))
    other, _ = drawn(learner, state, tf.constant(0), seed_of=learner.agent.ticks)
    both = tf.nest.map_structure(lambda *x: tf.concat(x, len(learner.axis.shape)), own, other)
    return Seen(state._replace(sources={}), both)


def own_windows(learner: Learner, windows: Windows) -> Windows:
    """The first half of `Seen.windows`, which the tick learns from."""
    axis = len(learner.axis.shape)
    return tf.nest.map_structure(lambda x: tf.split(x, 2, axis)[0], windows)


def drawn(
    learner: Learner, state: TrainState, number: tf.Tensor | int, seed_of: int | None = None
) -> tuple[Windows, Any]:
    """The windows of all minibatches of a tick, normalised with the current statistics, of all runs.

    Args:
        state: with the rings.
        number: of the tick within the iteration, [] int32.
        seed_of: the number folded into the seed; None for that of the tick.
    Returns: them, and their places in memory.
    """
    (phase,), axis = learner.phases, learner.axis
    source, rows = phase.source, written(learner, state.iteration, number)
    folded = number if seed_of is None else seed_of
    begun, num_envs = written(learner, state.begun, 0), learner.environment.num_envs

    def random(seed):
        """The random part of one run's draws."""
        return source.drawn(fold(seed, Purpose.REPLAY, state.iteration, folded), rows, begun, num_envs=num_envs)

    windows, places = source.windows(state.sources[phase.name], axis.each(random)(state.seed), axis.shape)
    return axis.each(functools.partial(normalized_windows, learner))(state._replace(sources={}), windows), places


def written(learner: Learner, iteration: tf.Tensor, number: tf.Tensor | int) -> tf.Tensor:
    """Rows written into a ring before a tick of an iteration, [] int64."""
    ticks = iteration * learner.agent.ticks + tf.cast(number, tf.int64)
    return ticks * learner.agent.rollout_length


def taken_steps(learner: Learner, state: TrainState) -> Trajectory:
    """The steps that an iteration took, [T, N, ...]; of those that it did not come to, older ones.

    Args: state: of one run, before the iteration, but with the memory after it.
    """
    (phase,), length = learner.phases, learner.agent.ticks * learner.agent.rollout_length
    numbers = written(learner, state.iteration, 0) + tf.range(length, dtype=tf.int64)
    return phase.source.steps(state.sources[phase.name], numbers)


def normalized_windows(learner: Learner, state: TrainState, windows: Windows) -> Windows:
    """The windows of one run as the network sees them, by the statistics in its state."""
    normalizer, steps = learner.at(state).normalizer, windows.steps
    seen = steps._replace(
        observation=normalizer.observation(state.normalizer, steps.observation),
        next_observation=normalizer.observation(state.normalizer, steps.next_observation),
        reward=normalizer.reward(state.normalizer, steps.reward),
    )
    return windows._replace(steps=seen)


def steps_of(axis, x: tf.Tensor, first, length: int) -> tf.Tensor:
    """The numbers of `length` steps from `first` on, of [T, N, ...] or [S, T, N, ...]."""
    place = len(axis.shape)
    begin = [0] * len(x.shape)
    begin[place] = first
    return tf.slice(x, begin, [*x.shape[:place], length, *x.shape[place + 1 :]])
