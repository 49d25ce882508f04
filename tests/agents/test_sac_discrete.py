"""Discrete SAC: losses by hand, with exact expectations over actions."""

import math

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, onto_live
from rl.instruments.replay import replay, rows_of
from rl.learning.drawing import drawn
from rl.learning.state import read

SMALL = (
    "agent=sac_discrete",
    "environment=compiled/cartpole",
    "num_envs=2",
    "agent.ticks=6",
    "agent.batch_size=5",
    "agent.warmup_steps=12",
    "agent.critic_widths=[7]",
    "network.torso.widths=[6]",
    "optimizer.learning_rate=0.01",
    "replay.capacity=40",
    "probe=none",
)


FROZEN = ("optimizer.learning_rate=1e-30",)


@pytest.fixture(scope="module")
def trained(build_apart):
    experiment = build_apart(*SMALL)
    experiment.programs(probe_every=100).iterate(3)
    learner, state = experiment.learner, read(experiment.variables)
    windows, _ = drawn(learner, state, 0)
    return experiment, replay(learner, state._replace(sources={}), windows).minibatch(0)


def mlp(weights, x):
    for place in range(0, len(weights), 2):
        x = x @ weights[place] + weights[place + 1]
        if place + 2 < len(weights):
            x = np.maximum(x, 0.0)
    return x


def by_hand(live, target, batch):
    def log_policy(weights, observation):
        logits = mlp(weights["policy"], np.maximum(mlp(weights["policy_torso"], observation), 0.0))
        return logits - np.log(np.sum(np.exp(logits), -1, keepdims=True))

    alpha = math.exp(live["temperature"][0])
    log_p = log_policy(live, batch.next_observation)
    lowest = np.minimum(*(mlp(target[name], batch.next_observation) for name in ("q_0", "q_1")))
    y = batch.reward + batch.discount * np.sum(np.exp(log_p) * (lowest - alpha * log_p), -1)
    taken = {name: mlp(live[name], batch.observation) for name in ("q_0", "q_1")}
    places = np.arange(len(y)), batch.action.astype(int)
    log_p = log_policy(live, batch.observation)
    entropy = -np.mean(np.sum(np.exp(log_p) * log_p, -1))
    return {
        **{name: 0.5 * np.mean((q[places] - y) ** 2) for name, q in taken.items()},
        "policy": np.mean(np.sum(np.exp(log_p) * (alpha * log_p - np.minimum(*taken.values())), -1)),
        "temperature": live["temperature"][0] * (entropy - 0.98 * math.log(2)),
    }


def test_losses_and_the_policys_gradient_by_hand(trained):
    experiment, minibatch = trained
    live, target = (
        {part: [np.asarray(x, np.float64) for x in own] for part, own in minibatch.roles[role].items()}
        for role in (LIVE, "target")
    )
    batch = tf.nest.map_structure(lambda x: np.asarray(x, np.float64), minibatch.batch)
    losses, _ = minibatch.losses(minibatch.seen)
    expected = by_hand(live, target, batch)
    assert set(losses) == set(expected)
    for name, loss in expected.items():
        np.testing.assert_allclose(losses[name], loss, rtol=2e-4, atol=1e-6, err_msg=name)
    found = onto_live(rows_of(experiment.learner, minibatch).gradients["policy"])["policy"][1]
    held = {**live, "temperature": live["temperature"]}
    for entry in np.eye(2):
        ends = []
        for sign in (1, -1):
            moved = {**held, "policy": [live["policy"][0], live["policy"][1] + sign * 1e-5 * entry]}
            ends.append(by_hand(moved, target, batch)["policy"])
        np.testing.assert_allclose(found.numpy() @ entry, (ends[0] - ends[1]) / 2e-5, rtol=1e-3, atol=1e-6)


def test_the_audit(build):
    (table,) = build(*SMALL, "network.shared=true").audit().values()
    reached = {
        name: {weight.split("/")[0] for weight, kind in kinds.items() if kind != "none"}
        for name, kinds in table.items()
    }
    assert reached == {
        "q_0": {"torso", "q_0"},
        "q_1": {"torso", "q_1"},
        "policy": {"torso", "policy"},
        "temperature": {"temperature"},
    }


def test_the_warm_up_takes_each_action_alike(build):
    """400 actions of a policy that prefers action 1 by far: about half are 1 in the warm-up, nearly all after it."""
    experiment = build(
        *SMALL, "agent.warmup_steps=400", "agent.ticks=200", "replay.capacity=800", "steps=4000", *FROZEN
    )
    bias = experiment.variables.weights["policy"][1]
    bias.assign([-10.0, 10.0])
    programs = experiment.programs(probe_every=100)
    programs.iterate(1)
    assert abs(np.mean(experiment.variables.sources["update"].action[:200]) - 0.5) < 5 * 0.5 / math.sqrt(400)
    experiment.variables.weights["policy"][1].assign([-10.0, 10.0])
    programs.iterate(1)
    assert np.mean(experiment.variables.sources["update"].action[200:]) > 0.9


def test_what_cannot_be_is_said(build):
    with pytest.raises(ConfigError, match=r"DiscreteSAC \(agent\) needs Discrete .* are a Box: choose agent=sac\."):
        build(*SMALL, "environment=compiled/pendulum")
    with pytest.raises(ConfigError, match=r"agent=sac_discrete"):
        build(*SMALL, "agent=sac")
    with pytest.raises(ConfigError, match=r"agent/exploration=noise"):
        build(*SMALL, "agent/exploration=correlated")
    with pytest.raises(ConfigError, match=r"agent\.target_entropy is 0\.7; of 2 actions .* at most log 2 = 0\.693"):
        build(*SMALL, "agent.target_entropy=0.7")
