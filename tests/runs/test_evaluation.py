"""Greedy evaluation: as many whole episodes as were asked for, the same within XLA and outside of it."""

import numpy as np
import pytest
import tensorflow as tf

from rl.environments.compiled import CartPole
from rl.runs.evaluation import Evaluator


def pushes_to_where_the_pole_falls(observation):
    return tf.cast(observation[:, 2] > 0, tf.int64)


@pytest.fixture
def without_functions():
    """Every tf.function runs operation by operation meanwhile."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def evaluate():
    evaluator = Evaluator(
        lambda num_envs: CartPole(num_envs=num_envs, max_episode_steps=500),
        pushes_to_where_the_pole_falls,
        episodes=30,
        num_envs=10,
        max_steps=1000,
    )
    (evaluation,) = evaluator.run([tf.constant([3, 4])])
    return evaluation.returns


@pytest.fixture(scope="module")
def within_xla():
    return evaluate()


def test_returns_are_those_of_whole_episodes(within_xla):
    assert within_xla.shape == (30,)
    assert 8 <= within_xla.min() < within_xla.max() < 200  # the policy looks at the angle alone


def test_within_xla_is_as_outside_of_it(within_xla, without_functions):
    # A return is a number of steps: rounding would have to move an end by a whole step to be seen.
    np.testing.assert_array_equal(evaluate(), within_xla)
