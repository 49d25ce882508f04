"""Repeats parts of an iteration that learns from memory, for those who look into it."""

import functools

import tensorflow as tf

from rl.learning.alternating import followed, learnt
from rl.learning.collecting import collect
from rl.learning.drawing import drawn, seen_first, steps_of, written
from rl.learning.learner import Learner
from rl.learning.rollout import RolloutNoise
from rl.learning.state import TrainState
from rl.sources import Windows


def remembered(learner: Learner, state: TrainState) -> tuple[TrainState, Windows]:
    """What the first tick of the next iteration draws, and the state without the rings, of all runs.

    An empty memory is filled with the steps of one iteration first, taken with the policy; nothing is learnt.
    """
    (phase,), length = learner.phases, learner.agent.rollout_length
    if int(state.iteration) == int(state.begun):
        acting = state._replace(iteration=tf.maximum(state.iteration, phase.starts_at))  # past the warm-up
        random = learner.rollout_noise(acting.seed, acting.iteration)
        collected = tf.function(collect, jit_compile=learner.environment.compiled, autograph=False)
        for number in range(learner.agent.ticks):
            noise = RolloutNoise(*(steps_of(learner.axis, x, number * length, length) for x in random))
            acting, trajectory = collected(learner, acting._replace(sources={}), noise)
            rows = written(learner, state.iteration, number)
            memory = phase.source.put(state.sources[phase.name], trajectory, rows, learner.axis.shape)
            state = state._replace(sources={phase.name: memory})
        state = state._replace(iteration=state.iteration + 1)
    return tuple(seen_first(learner, state))


def before_tick(learner: Learner, state: TrainState, tick: int) -> tuple[TrainState, Windows]:
    """Repeats the learning of an iteration up to a tick; nobody acts, since the memory has the steps already.

    With priorities the draws are those of the current ones, and once the ring is full the iteration has overwritten
    rows that its earlier ticks could draw: then what is drawn may differ from what was.

    Args: state: of one run, before the iteration, but with the memory after it.
    Returns: the state before the learning of the tick, without the memory, and what it learns from.
    """
    (phase,), length, memory = learner.phases, learner.agent.rollout_length, state.sources
    program = tf.function(functools.partial(learnt, learner), autograph=False)
    for number in map(tf.constant, range(tick)):
        windows, _ = drawn(learner, state, number)
        state, *_ = program(state._replace(sources={}), windows, number)
        rows = written(learner, state.iteration, number) + tf.range(length, dtype=tf.int64)
        taken = followed(learner, state._replace(sources={}), phase.source.steps(memory[phase.name], rows))
        state = state._replace(episodes=taken.episodes, normalizer=taken.normalizer, sources=memory)
    windows, _ = drawn(learner, state, tick)
    return state._replace(sources={}), windows
