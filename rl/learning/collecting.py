"""An iteration's rollout, in the environments of all runs at once."""

import tensorflow as tf

from rl.environments import Trajectory
from rl.learning.learner import Learner
from rl.learning.rollout import RolloutNoise, rollout
from rl.learning.state import TrainState


def collect(learner: Learner, state: TrainState, random: RolloutNoise) -> tuple[TrainState, Trajectory]:
    """A rollout in the environments of all runs.

    The weights of the agent's role `acts_with` act. The environments of S runs with N each are stepped as S · N
    environments; every run's policy acts in its own.

    Args:
        random: of each run, as `Learner.rollout_noise` gives it.
    Returns: the state with its environments further on, and the trajectory, not normalised.
    """
    axis, acting = learner.axis, learner.acting(state, learner.agent.acts_with)

    def act(observation, noise):
        split = tf.nest.map_structure(axis.split, (observation, noise))
        return tf.nest.map_structure(axis.merge, axis.each(learner.actor.act)(acting, *split))

    noise, uniform = (axis.merge(x, axis=1) for x in random)
    merged, observation = tf.nest.map_structure(axis.merge, (state.environment, state.observation))
    extras = learner.actor.extras_spec(learner.environments, learner.agent.rollout_length)
    after = rollout(learner.environments, act, noise, uniform, merged, observation, extras)
    environment, observation = tf.nest.map_structure(axis.split, after[:2])
    trajectory = tf.nest.map_structure(lambda x: axis.split(x, axis=1), after[2])
    return state._replace(environment=environment, observation=observation), trajectory
