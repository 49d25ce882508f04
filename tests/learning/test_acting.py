"""Whose weights act, and what is kept of acting."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.learning.collecting import collect
from rl.learning.state import read

SMALL = (
    "agent=a2c",
    "agent._target_=delayed.Delayed",
    "environment=compiled/cartpole",
    "num_envs=3",
    "agent.rollout_length=4",
    "network.torso.widths=[8]",
    "optimizer.learning_rate=0.05",
    "probe=none",
)


def collected(experiment):
    """The state after five iterations, and the next trajectory."""
    experiment.programs(probe_every=10).iterate(5)
    learner, state = experiment.learner, read(experiment.variables)
    return state, collect(learner, state, learner.rollout_noise(state.seed, state.iteration))[1]


def log_probs(learner, weights, trajectory):
    """Log-probabilities of the trajectory's actions, and the parameters of the policy, under given weights."""
    model, frames = learner.model, tf.reshape(trajectory.observation, (-1, 4))
    policy = learner.agent.policy(model, weights, frames)
    found = model.distribution.log_prob(policy, tf.reshape(trajectory.action, (-1,)))
    return tf.reshape(found, trajectory.reward.shape).numpy(), tf.reshape(policy, (*trajectory.reward.shape, 2)).numpy()


def test_the_copy_acts_and_what_it_knew_is_in_the_trajectory(build):
    """Observations are not normalised here, so that the copy alone decides."""
    experiment = build(*SMALL)
    state, trajectory = collected(experiment)
    assert set(trajectory.extras) == {"log_prob", "policy"}
    old, policy = log_probs(experiment.learner, state.frozen["behaviour"].weights, trajectory)
    np.testing.assert_allclose(trajectory.extras["log_prob"], old, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(trajectory.extras["policy"], policy, rtol=1e-5, atol=1e-6)
    live, _ = log_probs(experiment.learner, state.weights, trajectory)
    assert np.abs(live - old).max() > 1e-3  # the copy is an update old


def test_evaluation_acts_with_the_live_weights(build):
    experiment = build(*SMALL)
    state, _ = collected(experiment)
    frames = tf.random.stateless_normal((50, 4), (1, 2))
    logits = experiment.learner.agent.policy(experiment.learner.model, state.weights, frames)
    np.testing.assert_array_equal(experiment.greedy(frames), tf.argmax(logits, -1))


def test_several_runs_keep_what_each_would_alone(build):
    state, trajectory = collected(build(*SMALL, "seeds=2"))
    assert trajectory.extras["policy"].shape == (2, 4, 3, 2)
    for run in range(2):
        one = tf.nest.map_structure(lambda x, run=run: x[run], trajectory)
        alone = build(*SMALL, f"seed={run}")
        weights = {part: tuple(w[run] for w in own) for part, own in state.frozen["behaviour"].weights.items()}
        old, _ = log_probs(alone.learner, weights, one)
        np.testing.assert_allclose(one.extras["log_prob"], old, rtol=1e-4, atol=1e-5)


def test_an_agent_without_extras_keeps_nothing(build):
    _, trajectory = collected(build(*SMALL, "agent._target_=rl.agents.A2C"))
    assert trajectory.extras == ()


def test_a_copy_that_is_not_there_cannot_act(build, monkeypatch):
    import delayed

    monkeypatch.setattr(delayed.Delayed, "acts_with", "nobody")
    with pytest.raises(ConfigError, match=r"acts with a frozen copy 'nobody', and there is none \(frozen.nobody\)"):
        build(*SMALL)
