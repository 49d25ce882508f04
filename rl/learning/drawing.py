"""What the ticks of an iteration that learns from memory draw from the ring; see alternating.py."""

import functools
from collections.abc import Callable
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


def seen_first(learner: Learner, state: TrainState, *, chances: Callable | None = None) -> Seen:
    """What the first tick of an iteration learns from, of all runs; state: with the rings; chances: see `drawn`."""
    own, _ = drawn(learner, state, 0, chances=chances)
    other, _ = drawn(learner, state, 0, learner.agent.ticks, chances=chances)
    both = tf.nest.map_structure(lambda *x: tf.concat(x, len(learner.axis.shape)), own, other)
    return Seen(state._replace(sources={}), both)


def own_windows(learner: Learner, windows: Windows) -> Windows:
    """The first half of `Seen.windows`, which the tick learns from."""
    axis = len(learner.axis.shape)
    return tf.nest.map_structure(lambda x: tf.split(x, 2, axis)[0], windows)


def drawn(
    learner: Learner,
    state: TrainState,
    number: tf.Tensor | int,
    seed_of: int | None = None,
    *,
    chances: Callable | None = None,
) -> tuple[Windows, Any]:
    """The windows of all minibatches of a tick, normalised with the current statistics, of all runs.

    Args:
        state: with the rings.
        number: of the tick within the iteration, [] int32.
        seed_of: the number folded into the seed; None for that of the tick.
        chances: `random_part` of this learner as a program; None for the function itself.
    Returns: them, and their places in memory.
    """
    (phase,), axis = learner.phases, learner.axis
    number, folded = tf.constant(0) + number, tf.constant(0) + (number if seed_of is None else seed_of)
    chances = functools.partial(random_part, learner) if chances is None else chances
    random = chances(state.seed, state.iteration, state.begun, number, folded)
    windows, places = phase.source.windows(state.sources[phase.name], random, axis.shape)
    return axis.each(functools.partial(normalized_windows, learner))(state._replace(sources={}), windows), places


def random_part(
    learner: Learner, seed: tf.Tensor, iteration: tf.Tensor, begun: tf.Tensor, number: tf.Tensor, folded: tf.Tensor
) -> Any:
    """The random part of the draws of a tick, of all runs.

    Args: seed, iteration, begun: of the state; number: of the tick; folded: into the seed, [] int32 each.
    """
    (phase,), rows = learner.phases, written(learner, iteration, number)
    first, num_envs = written(learner, begun, 0), learner.environment.num_envs

    def drawn_by_run(seed):
        """The random part of one run."""
        return phase.source.drawn(fold(seed, Purpose.REPLAY, iteration, folded), rows, first, num_envs=num_envs)

    return learner.axis.each(drawn_by_run)(seed)


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
