"""The compiled programs of a run, and the variables that they move."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.training.learner import Learner
from rl.training.probing import Prober
from rl.training.state import TrainState, assign, read


class Chunk(NamedTuple):
    """What K iterations left to log.

    metrics: {tag: [K]}; findings: {tag: [K]}, NaN in iterations that were not probed; rows: the newest raw rows,
    {objective: [P]}, empty where nothing was probed yet; trajectory: the newest.
    """

    metrics: dict[str, np.ndarray]
    findings: dict[str, np.ndarray]
    rows: dict[str, tf.Tensor]
    trajectory: Trajectory


class Programs:
    """Host calls on the variables of a run.

    An iteration is three programs: the rollout, the probes every so many iterations, and the learning. The last two are
    XLA programs of their own, so that what the probes compute can have no influence on the weights; a rollout in a
    Gymnasium environment cannot be one, and is a graph. One host call runs K iterations, and is traced once for all K.
    """

    def __init__(self, learner: Learner, variables: TrainState, prober: Prober | None, probe_every: int):
        """
        Args:
            prober: None for no probes.
            probe_every: iterations from one probe to the next; the first iteration is probed.
        """
        self.learner, self.variables = learner, variables
        self._prober, self._probe_every = prober, probe_every
        self._learn = tf.function(self._learn_step, jit_compile=True)
        self._probe = tf.function(self._probe_step, jit_compile=True)
        self._collect = tf.function(self._collect_step)
        self._iterate = tf.function(self._iterate_steps)
        self._tags: tuple[str, ...] = ()
        self._probe_tags: tuple[str, ...] = ()
        self._rows: dict[str, tf.Tensor] = {}

    def iterate(self, count: int) -> Chunk:
        """Up to `count` iterations in one host call; fewer where an update is not finite (the last row says which)."""
        first = int(self.variables.iteration)
        done, metrics, findings, rows, trajectory = self._iterate(tf.constant(count))
        done = int(done)
        if self._prober and -first % self._probe_every < done:  # one of them was probed
            self._rows = rows
        return Chunk(
            _by_tag(self._tags, metrics.numpy()[:done]),
            _by_tag(self._probe_tags, findings.numpy()[:done]),
            self._rows,
            trajectory,
        )

    @property
    def num_traces(self) -> int:
        """How often the programs were traced in all."""
        programs = (self._collect, self._probe, self._learn, self._iterate)
        return sum(program.experimental_get_tracing_count() for program in programs)

    def _collect_step(self) -> Trajectory:
        before = read(self.variables)
        after, trajectory = self.learner.collect(before)
        assign(self.variables, before, after)
        return trajectory

    def _probe_step(self, trajectory: Trajectory) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        numbers, rows = self._prober(read(self.variables), trajectory)
        self._probe_tags = tuple(numbers)
        return tf.stack(list(numbers.values())) if numbers else tf.zeros(0), rows

    def _learn_step(self, trajectory: Trajectory) -> tf.Tensor:
        before = read(self.variables)
        after, metrics = self.learner.learn(before, trajectory)
        assign(self.variables, before, after)
        self._tags = tuple(metrics)
        return tf.stack(list(metrics.values()))

    def _iterate_steps(self, count: tf.Tensor):
        trajectory = _zeros_for(self._collect)
        metrics = _zeros_for(self._learn, trajectory)
        findings, rows = _zeros_for(self._probe, trajectory) if self._prober else (tf.zeros(0), {})
        nothing = tf.fill(findings.shape, float("nan"))
        logs = tuple(tf.TensorArray(tf.float32, size=count, element_shape=x.shape) for x in (metrics, findings))

        def learn(done, logs, trajectory, found):
            metrics = self._learn(trajectory)
            bad = metrics[self._tags.index("bad_update")] >= 0
            return done + 1, bad, (logs[0].write(done, metrics), logs[1].write(done, found)), trajectory

        def plain(done, bad, logs, _):  # noqa: ARG001
            return learn(done, logs, self._collect(), nothing)

        def probed(done, logs, _):
            trajectory = self._collect()
            found, rows = self._probe(trajectory)
            with tf.control_dependencies([found]):  # the probes look before the weights move
                return *learn(done, logs, trajectory, found), rows

        def block(done, bad, logs, rows, trajectory):
            """The iterations up to the next probed one, and that one: no branch in the inner loop, which costs more."""
            due = done + tf.cast(-self.variables.iteration % self._probe_every, tf.int32) if self._prober else count
            end = tf.minimum(due, count)
            start = (done, bad, logs, trajectory)
            done, bad, logs, trajectory = tf.while_loop(
                lambda done, bad, *_: (done < end) & ~bad, plain, start, parallel_iterations=1
            )
            if not self._prober:
                return done, bad, logs, rows, trajectory
            *carry, rows = tf.cond(
                (done < count) & ~bad,
                lambda: probed(done, logs, trajectory),
                lambda: (done, bad, logs, trajectory, rows),
            )
            return *carry[:3], rows, carry[3]

        done, _, logs, rows, trajectory = tf.while_loop(
            lambda done, bad, *_: (done < count) & ~bad,
            block,
            (tf.constant(0), tf.constant(False), logs, rows, trajectory),
            parallel_iterations=1,
        )
        return done, *(log.stack() for log in logs), rows, trajectory


def _zeros_for(program, *arguments):
    """Zeros in the shapes of what a program returns."""
    concrete = program.get_concrete_function(*arguments)
    return tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), concrete.structured_outputs)


def _by_tag(tags: tuple[str, ...], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {tag: rows[:, column] for column, tag in enumerate(tags)}
