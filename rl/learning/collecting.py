"""The rollout of an iteration, in the environments of all runs at once."""

import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.learner import Learner
from rl.learning.rollout import RolloutNoise, rollout
from rl.learning.state import TrainState


def collect(learner: Learner, state: TrainState, random: RolloutNoise) -> tuple[TrainState, Trajectory]:
    """Collects T = `agent.rollout_length` steps in the environments of all runs.

    The S · N environments of S runs are stepped together, outside the batching over runs: an environment need not
    support it. Each run acts in its own N environments, with the weights of the agent's role `acts_with`.

    Args:
        learner: of all runs.
        state: of all runs, [S, ...] or, for one run, [...].
        random: all random numbers of the rollout, from `Learner.rollout_noise`.
    Returns: (state, trajectory). In the state only environment and observation have changed; the trajectory is
        [S, T, N, ...] or [T, N, ...], not normalised.
    """
    axis, acting = learner.axis, learner.acting(state, learner.agent.acts_with)

    def act(observation, noise):
        """The actions in all environments, [S·N, ...]; each run's policy acts in its own."""
        split = tf.nest.map_structure(axis.split, (observation, noise))
        return tf.nest.map_structure(axis.merge, axis.each(learner.actor.act)(acting, *split))

    noise, uniform = (axis.merge(x, axis=1) for x in random)
    merged, observation = tf.nest.map_structure(axis.merge, (state.environment, state.observation))
    extras = learner.actor.extras_spec(learner.environments, learner.agent.rollout_length)
    after = rollout(learner.environments, act, noise, uniform, merged, observation, extras)
    environment, observation = tf.nest.map_structure(axis.split, after[:2])
    trajectory = tf.nest.map_structure(lambda x: axis.split(x, axis=1), after[2])
    return state._replace(environment=environment, observation=observation), trajectory
