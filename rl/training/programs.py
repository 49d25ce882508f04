"""The compiled programs of a run, and the variables that they move."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.training.learner import Learner
from rl.training.probing import Prober
from rl.training.rollout import trajectory_spec
from rl.training.state import TrainState, assign, read

_MOST_ITERATIONS = 256  # a host call; an XLA program needs to know how many rows it may have to log


class Chunk(NamedTuple):
    """What K iterations left to log.

    metrics: {tag: [K]}; findings: {tag: [K]}, NaN in iterations that were not probed; rows: the newest raw rows,
    {objective: [P]}, empty where nothing was probed yet; before and trajectory: what the last iteration learnt from.
    """

    metrics: dict[str, np.ndarray]
    findings: dict[str, np.ndarray]
    rows: dict[str, tf.Tensor]
    before: TrainState
    trajectory: Trajectory


class Programs:
    """Host calls on the variables of a run.

    One host call runs K iterations, and is traced once for all K. With a compiled environment it is one XLA program;
    otherwise a graph, in which the learning alone is an XLA program. The probes are a program of their own, which is
    given copies of what the last iteration of a call learnt from: it can have no influence on the weights.
    """

    def __init__(self, learner: Learner, variables: TrainState, prober: Prober | None, probe_every: int):
        """
        Args:
            prober: None for no probes.
            probe_every: iterations from one probe to the next; the first iteration is probed.
        """
        self.learner, self.variables = learner, variables
        self._prober, self._probe_every = prober, probe_every
        self._whole = learner.environment.compiled
        self._learn = _function(learner.learn, compiled=None if self._whole else True)
        self._iterate = _function(self._iterate_steps, compiled=self._whole)
        self._probe = _function(self._probe_step, compiled=True)
        self._tags: tuple[str, ...] = ()
        self._probe_tags: tuple[str, ...] = ()
        self._rows: dict[str, tf.Tensor] = {}

    def compile(self) -> None:
        """Traces and compiles, and runs nothing.

        In threads of its own: what a compilation leaves behind in the memory of the thread that runs the programs
        would slow it down by 5 to 10 % for good.
        """
        before, trajectory = read(self.variables), self._no_trajectory()

        def once():
            return self.learner.chance(before.iteration), self._learn(before, trajectory)

        def update():
            if not self._whole:
                _function(once, compiled=False)()  # a graph's XLA programs are not those of eager mode
            self._iterate(tf.constant(0))

        with ThreadPoolExecutor() as threads:
            tasks = [threads.submit(update)]
            if self._prober:
                tasks.append(threads.submit(self._probe, before, trajectory))
            for task in tasks:
                task.result()

    def iterate(self, count: int) -> Chunk:
        """Up to `count` iterations in one host call, of which at most the last is probed.

        Fewer where an update is not finite; the last row then says which.
        """
        until_probe = -int(self.variables.iteration) % self._probe_every + 1
        count = min(count, _MOST_ITERATIONS, until_probe if self._prober else count)
        done, metrics, before, trajectory = self._iterate(tf.constant(count))
        done = int(done)
        found = np.nan
        if self._prober and done == until_probe:
            found, self._rows = self._probe(before, trajectory)
        findings = np.full((done, len(self._probe_tags)), np.nan)
        findings[-1] = found
        metrics = _by_tag(self._tags, metrics.numpy()[:done])
        return Chunk(metrics, _by_tag(self._probe_tags, findings), self._rows, before, trajectory)

    @property
    def num_traces(self) -> int:
        """How often the programs were traced in all."""
        programs = (self._iterate, self._probe, self._learn)
        return sum(program.experimental_get_tracing_count() for program in programs)

    def _iterate_steps(self, count: tf.Tensor):
        start, nothing = read(self.variables), self._no_trajectory()
        self._tags = tuple(self._learn.get_concrete_function(start, nothing).structured_outputs[1])
        log = tf.TensorArray(tf.float32, size=_MOST_ITERATIONS, element_shape=(len(self._tags),))

        def unfinished(done, bad, *_):
            return (done < count) & ~bad

        def iteration(done, _bad, log, state, *_):
            before, trajectory = self.learner.collect(state)
            after, metrics = self._learn(before, trajectory)
            log = log.write(done, tf.stack(list(metrics.values())))
            return done + 1, metrics["bad_update"] >= 0, log, after, before, trajectory

        carry = (tf.constant(0), tf.constant(False), log, start, start, nothing)
        done, _, log, after, before, trajectory = tf.while_loop(unfinished, iteration, carry, parallel_iterations=1)
        assign(self.variables, after)
        return done, log.stack(), before, trajectory

    def _probe_step(self, before: TrainState, trajectory: Trajectory) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        numbers, rows = self._prober(before, trajectory)
        self._probe_tags = tuple(numbers)
        return tf.stack(list(numbers.values())) if numbers else tf.zeros(0), rows

    def _no_trajectory(self) -> Trajectory:
        spec = trajectory_spec(self.learner.environment, self.learner.agent.rollout_length)
        return tf.nest.map_structure(lambda one: tf.zeros(one.shape, one.dtype), spec)


def _function(python, *, compiled: bool | None):
    """A program; without AutoGraph, which would take longer over our code than the tracing."""
    return tf.function(python, jit_compile=compiled, autograph=False)


def _by_tag(tags: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {tag: rows[:, column] for column, tag in enumerate(tags)}
