"""Independent runs trained together in one program, batched over a leading axis of seeds."""

from collections.abc import Callable

import tensorflow as tf

from rl.environments import Environment, Trajectory
from rl.learning.actor import Acting
from rl.learning.findings import Findings
from rl.learning.learner import Learner, RolloutNoise
from rl.learning.rollout import rollout
from rl.learning.rounds import Metrics
from rl.learning.state import TrainState


class ManyLearners:
    """The functions of a `Learner` on states with a leading axis of S runs.

    Learning is the learner's own code, batched by `tf.vectorized_map`. The environments of all runs are one batch of
    S·N, as a compiled environment takes them natively.
    """

    def __init__(self, learner: Learner, environment: Environment):
        """
        Args:
            learner: of one run.
            environment: S·N compiled environments.
        """
        self.one, self.environment = learner, environment
        self.num_runs = environment.num_envs // learner.environment.num_envs

    def rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        """What is random in the rollouts: noise and uniforms [S, T, N, ...]; seed: [S, 2], iteration: [S]."""
        return self._each(lambda run: self.one.rollout_noise(*run), (seed, iteration))

    def collect(self, state: TrainState, random: RolloutNoise) -> tuple[TrainState, Trajectory]:
        """Rollouts of all runs; the trajectory is [S, T, N, ...]."""
        acting = Acting(state.weights, state.normalizer, state.hyperparameters)

        def act(observation, noise):
            return self.act(self.one.actor.act, acting, observation, noise)

        noise, uniforms = (self._merge_steps(x) for x in random)
        merged = tf.nest.map_structure(self._merge, state.environment)
        environment, observation, trajectory = rollout(
            self.environment, act, noise, uniforms, merged, self._merge(state.observation)
        )
        split = tf.nest.map_structure(self._split, environment)
        trajectory = tf.nest.map_structure(self._split_steps, trajectory)
        return state._replace(environment=split, observation=self._split(observation)), trajectory

    def act(self, policy: Callable, acting: Acting, *of_environments: tf.Tensor) -> tf.Tensor:
        """The actions [S·N, ...] of one run's policy, (acting, *of_environments [N, ...]) → [N, ...]."""
        split = (self._split(x) for x in of_environments)
        return self._merge(self._each(lambda run: policy(*run), (acting, *split)))

    def learn(self, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Metrics]:
        """See `Learner.learn`; the metrics are [S]."""
        return self._each(lambda run: self.one.learn(*run), (state, trajectory))

    def trajectory_spec(self) -> Trajectory:
        """See `Learner.trajectory_spec`."""
        return tf.nest.map_structure(
            lambda spec: tf.TensorSpec((self.num_runs, *spec.shape), spec.dtype), self.one.trajectory_spec()
        )

    def probe(
        self, prober: Callable[[TrainState, Trajectory], Findings], before: TrainState, trajectory: Trajectory
    ) -> Findings:
        """What the prober of one run finds in each; numbers and rows have a leading axis of runs."""
        return self._each(lambda run: prober(*run), (before, trajectory))

    def _each(self, function, arguments):
        return tf.vectorized_map(function, arguments, fallback_to_while_loop=False)

    def _merge(self, x: tf.Tensor) -> tf.Tensor:
        """[S, N, ...] → [S·N, ...]."""
        return tf.reshape(x, (-1, *x.shape[2:]))

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        """[S·N, ...] → [S, N, ...]."""
        return tf.reshape(x, (self.num_runs, -1, *x.shape[1:]))

    def _merge_steps(self, x: tf.Tensor) -> tf.Tensor:
        """[S, T, N, ...] → [T, S·N, ...]."""
        _, length, num_envs, *rest = x.shape
        return tf.reshape(_swap(x), (length, self.num_runs * num_envs, *rest))

    def _split_steps(self, x: tf.Tensor) -> tf.Tensor:
        """[T, S·N, ...] → [S, T, N, ...]."""
        length, total, *rest = x.shape
        return _swap(tf.reshape(x, (length, self.num_runs, total // self.num_runs, *rest)))


def _swap(x: tf.Tensor) -> tf.Tensor:
    """The first two axes exchanged."""
    return tf.transpose(x, (1, 0, *range(2, x.shape.rank)))
