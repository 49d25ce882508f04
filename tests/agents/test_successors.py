"""Values of successors, with and without a second pass."""

import numpy as np
import pytest
import tensorflow as tf

from rl.agents.successors import successor_values
from rl.environments.compiled import CartPole
from rl.learning.rollout import Acted, rollout
from rl.randomness import uniforms

LENGTH, NUM_ENVS = 24, 16


def value(observation):
    return tf.reduce_sum(tf.sin(observation * [1.0, 2.0, 3.0, 4.0]), -1)


@pytest.mark.parametrize("limit", [None, LENGTH, 7])
def test_short_way_equals_the_long_one_wherever_there_is_a_future(limit):
    environment = CartPole(num_envs=NUM_ENVS, max_episode_steps=limit)
    seed = tf.constant([1, 2])
    state, observation = environment.reset(seed)
    for turn in range(3):  # the first rollouts bring the episodes to different ages
        drawn = uniforms(tf.constant([turn, 3]), (LENGTH, NUM_ENVS, environment.num_uniforms))
        noise = uniforms(tf.constant([turn, 4]), (LENGTH, NUM_ENVS, 1))
        state, observation, trajectory = rollout(
            environment,
            lambda x, z: Acted(tf.cast(z[:, 0] + 0.05 * x[:, 0] > 0.5, tf.int64), ()),
            noise,
            drawn,
            state,
            observation,
        )
    long = successor_values(value, trajectory, None, max_episode_steps=limit)
    short = successor_values(value, trajectory, value(trajectory.observation), max_episode_steps=limit)
    future = ~trajectory.terminated.numpy()
    np.testing.assert_allclose(np.where(future, short, 0.0), np.where(future, long, 0.0), rtol=1e-6, atol=1e-6)
    assert trajectory.truncated.numpy().any() == (limit is not None)
    assert trajectory.terminated.numpy().any() or limit == 7


def test_the_value_at_a_truncation_is_that_of_the_final_observation():
    """One environment, pushed to and fro: cut after 3 steps, so that v_t[2] is of the successor before the reset."""
    environment = CartPole(num_envs=1, max_episode_steps=3)
    state, observation = environment.reset(tf.constant([5, 6]))
    drawn = uniforms(tf.constant([7, 8]), (3, 1, environment.num_uniforms))
    _, fresh, trajectory = rollout(
        environment, lambda x, z: Acted(tf.zeros(1, tf.int64), ()), drawn[..., :1], drawn, state, observation
    )
    short = successor_values(value, trajectory, value(trajectory.observation), max_episode_steps=3)
    assert trajectory.truncated.numpy().ravel().tolist() == [False, False, True]
    np.testing.assert_allclose(short[2], value(trajectory.next_observation[2]), rtol=1e-6)
    assert abs(float(short[2, 0]) - float(value(fresh)[0])) > 1e-3
