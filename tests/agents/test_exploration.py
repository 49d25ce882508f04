"""Exploration: at every single step ε is standard normal; its correlation in time is what is said."""

import numpy as np
import pytest
import tensorflow as tf

from rl.agents.exploration import Correlated, StateDependent, White

SEED = tf.constant([3, 5])


def test_correlated_noise_is_the_recursion_and_stationary():
    """By a loop; over 20,000 chains variances are 1, and steps k apart correlate by ρᵏ (5 standard errors)."""
    own = Correlated(correlation=0.8)
    white = White().noise(SEED, (6, 20_000), 1, 9).numpy()
    found, x = own.noise(SEED, (6, 20_000), 1, 9).numpy(), white[0]
    for t in range(6):
        x = x if t == 0 else 0.8 * x + 0.6 * white[t]
        np.testing.assert_allclose(found[t], x, rtol=1e-4, atol=1e-5)
    for k in range(6):
        assert np.mean(found[0] * found[k]) == pytest.approx(0.8**k, abs=5 * np.sqrt(2 / 20_000))
        assert np.mean(found[k] ** 2) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 20_000))


def test_state_dependent_noise_is_a_function_of_the_state_for_a_while():
    own = StateDependent(every_steps=3)
    noise = own.noise(SEED, (7, 5000), 2, 4)
    assert noise.shape == (7, 5000, 8)
    np.testing.assert_array_equal(noise[0], noise[2])
    assert not np.array_equal(noise[2], noise[3])
    np.testing.assert_array_equal(noise[3], noise[5])
    features = tf.repeat(tf.constant([[1.0, 2.0, 0.0, -2.0]]), 5000, 0)
    epsilon = own.epsilon(noise[0], features).numpy()
    matrix = noise[0].numpy().reshape(5000, 4, 2)
    np.testing.assert_allclose(epsilon, (matrix[:, 0] + 2 * matrix[:, 1] - 2 * matrix[:, 3]) / 3, rtol=1e-4, atol=1e-5)
    assert np.var(epsilon) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 10_000))
    np.testing.assert_allclose(own.epsilon(noise[0], 7.0 * features), epsilon, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(own.epsilon(noise[0], 0.0 * features), np.zeros((5000, 2)))


@pytest.mark.parametrize("choice", ["noise", "correlated", "gsde"])
@pytest.mark.parametrize("agent", ["sac", "td3"])
def test_agents_explore_by_each(build, choice, agent):
    """Actions stay in the box; those of gSDE repeat where the state does, for as long as the function stays."""
    experiment = build(
        *(f"agent={agent}", "environment=compiled/pendulum", "num_envs=3", "agent.ticks=6", "agent.batch_size=5"),
        *("agent.warmup_steps=0", "agent.critic_widths=[7]", "network.torso.widths=[6]", "replay.capacity=60"),
        *("probe=none", f"agent/exploration={choice}"),
    )
    learner = experiment.learner
    experiment.programs(probe_every=100).iterate(2)
    assert np.abs(experiment.variables.sources["update"].action).max() <= 2.0
    state = experiment.variables
    noise = learner.actor.noise(SEED, (6, 3))
    observation = tf.repeat(state.observation[:1], 3, 0)
    acting = learner.acting(state)
    actions = np.stack([learner.actor.act(acting, observation, one).action for one in noise])
    assert (len(np.unique(actions[:, 0])) == 1) == (choice == "gsde")
    assert len(np.unique(actions[0])) == 3
