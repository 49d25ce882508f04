"""The compiled programs of a run, and the variables that they move."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments import Trajectory
from rl.training.learner import Learner, Metrics
from rl.training.state import TrainState, assign, read


class Chunk(NamedTuple):
    """What several iterations left to log: {tag: [K] numpy array}, and the newest trajectory."""

    metrics: dict
    trajectory: Trajectory


class Programs:
    """Host calls on the variables of a run: iterate K times, or collect and learn apart.

    Learning is one XLA program; a rollout in a Gymnasium environment cannot be, and is a graph around it. Every program is
    traced once, whatever K is.
    """

    def __init__(self, learner: Learner, variables: TrainState):
        self.learner, self.variables = learner, variables
        self._collect = tf.function(self._collect_step)
        self._learn = tf.function(self._learn_step, jit_compile=True)
        self._iterate = tf.function(self._iterate_steps)
        self._tags: list[str] | None = None

    def iterate(self, count: int) -> Chunk:
        """Up to `count` iterations in one host call; fewer where an update is not finite."""
        done, metrics, trajectory = self._iterate(tf.constant(count))
        return Chunk(self._by_tag(metrics.numpy()[: int(done)]), trajectory)

    def collect(self) -> Trajectory:
        """The rollout of one iteration."""
        return self._collect()

    def learn(self, trajectory: Trajectory) -> Chunk:
        """The learning of one iteration, by the very program that `iterate` calls."""
        return Chunk(self._by_tag(self._learn(trajectory).numpy()[None]), trajectory)

    @property
    def num_traces(self) -> int:
        """How often the programs were traced in all."""
        return sum(program.experimental_get_tracing_count() for program in (self._collect, self._learn, self._iterate))

    def _collect_step(self) -> Trajectory:
        before = read(self.variables)
        after, trajectory = self.learner.collect(before)
        assign(self.variables, before, after)
        return trajectory

    def _learn_step(self, trajectory: Trajectory) -> tf.Tensor:
        before = read(self.variables)
        after, metrics = self.learner.learn(before, trajectory)
        assign(self.variables, before, after)
        return self._stack(metrics)

    def _iterate_steps(self, count: tf.Tensor):
        shapes = self._collect.get_concrete_function().output_shapes
        dtypes = self._collect.get_concrete_function().output_dtypes
        empty = tf.nest.map_structure(lambda shape, dtype: tf.zeros(shape, dtype), shapes, dtypes)
        num_metrics = self._learn.get_concrete_function(empty).output_shapes[0]
        rows = tf.TensorArray(tf.float32, size=count, element_shape=(num_metrics,))

        def body(done, bad, rows, _):
            trajectory = self._collect()
            metrics = self._learn(trajectory)
            return done + 1, metrics[self._tags.index("bad_update")] >= 0, rows.write(done, metrics), trajectory

        done, _, rows, trajectory = tf.while_loop(
            lambda done, bad, *_: (done < count) & ~bad,
            body,
            (tf.constant(0), tf.constant(False), rows, empty),
            parallel_iterations=1,
        )
        return done, rows.stack(), trajectory

    def _stack(self, metrics: Metrics) -> tf.Tensor:
        self._tags = sorted(metrics)
        return tf.stack([metrics[tag] for tag in self._tags])

    def _by_tag(self, rows) -> dict:
        return {tag: rows[:, column] for column, tag in enumerate(self._tags)}
