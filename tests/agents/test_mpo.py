"""MPO: its weights, its duals and its divergences by hand, and Retrace in the critics' target."""

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
    "agent=mpo",
    "environment=compiled/pendulum",
    "environment.max_episode_steps=5",
    "num_envs=2",
    "agent.ticks=6",
    "agent.batch_size=5",
    "agent.samples=4",
    "agent.warmup_steps=12",
    "agent.critic_widths=[7]",
    "network.torso.widths=[6]",
    "optimizer.learning_rate=0.01",
    "frozen.target.every_updates=5",
    "replay.capacity=40",
    "probe=none",
)

ROUNDING = 2e-5
"""A divergence of 1e-5 is a difference of numbers near ½ in float32, 6e-8 apart, times a dual variable of some 10."""


def minibatch_of(experiment):
    learner, state = experiment.learner, read(experiment.variables)
    windows, _ = drawn(learner, state, 0)
    return replay(learner, state._replace(sources={}), windows).minibatch(0)


@pytest.fixture(scope="module")
def trained(build_apart):
    experiment = build_apart(*SMALL, "agent.n_step=2")
    experiment.programs(probe_every=100).iterate(3)
    return experiment, minibatch_of(experiment)


def in_float64(batch):
    return tf.nest.map_structure(lambda x: np.asarray(x, np.float64), batch)


def mlp(weights, x):
    for place in range(0, len(weights), 2):
        x = x @ weights[place] + weights[place + 1]
        if place + 2 < len(weights):
            x = np.maximum(x, 0.0)
    return x


def policy(weights, observation):
    features = np.maximum(mlp(weights["policy_torso"], observation), 0.0)
    mean, log_std = np.split(mlp(weights["policy"], features), 2, -1)
    return mean, np.exp(log_std)


def q_of(weights, observation, unit):
    x = np.concatenate([observation, unit], -1)
    return np.minimum(*(mlp(weights[name], x)[..., 0] for name in ("q_0", "q_1")))


def log_normal(u, mean, std):
    return np.sum(-0.5 * ((u - mean) / std) ** 2 - np.log(std) - 0.5 * math.log(2 * math.pi), -1)


def by_hand(live, target, batch, agent):
    """{objective: loss}, in float64 NumPy, action by action."""
    successor = batch.next_observation
    old_mean, old_std = policy(target, successor)
    mean, std = policy(live, successor)
    eta, penalty_mean, penalty_std = (
        math.exp(live[name][0]) for name in ("temperature", "penalty_mean", "penalty_std")
    )
    u = [old_mean + old_std * noise for noise in batch.next_noise[:, 0].transpose(1, 0, 2)]
    q = np.stack([q_of(target, successor, np.tanh(one)) for one in u])
    weight = np.exp(q / eta) / np.exp(q / eta).sum(0)
    fit = sum(w * (log_normal(x, mean, old_std) + log_normal(x, old_mean, std)) for w, x in zip(weight, u, strict=True))
    slope = sum(2 * w * np.sum(np.log(2.0 * (1 - np.tanh(x) ** 2)), -1) for w, x in zip(weight, u, strict=True))
    kl_mean = np.mean(np.sum((mean - old_mean) ** 2 / (2 * old_std**2), -1))
    kl_std = np.mean(np.sum(np.log(std / old_std) + old_std**2 / (2 * std**2) - 0.5, -1))
    y = batch.reward + batch.discount * q.mean(0)
    critics = {
        name: 0.5
        * np.mean((mlp(live[name], np.concatenate([batch.observation, batch.action / 2.0], -1))[:, 0] - y) ** 2)
        for name in ("q_0", "q_1")
    }
    return {
        **critics,
        "temperature": eta * (agent.epsilon + np.mean(np.log(np.mean(np.exp(q / eta), 0)))),
        "policy": -np.mean(fit - slope) + penalty_mean * kl_mean + penalty_std * kl_std,
        "penalty_mean": penalty_mean * (agent.epsilon_mean - kl_mean),
        "penalty_std": penalty_std * (agent.epsilon_std - kl_std),
    }


def arrays(weights):
    return {part: [np.asarray(x, np.float64) for x in own] for part, own in weights.items()}


def test_losses_by_hand(trained):
    experiment, minibatch = trained
    live, target = (arrays(minibatch.roles[role]) for role in (LIVE, "target"))
    expected = by_hand(live, target, in_float64(minibatch.batch), experiment.learner.agent)
    losses, diagnostics = minibatch.losses(minibatch.seen)
    assert set(losses) == set(expected)
    for name, loss in expected.items():
        np.testing.assert_allclose(losses[name], loss, rtol=2e-4, atol=ROUNDING, err_msg=name)
    assert diagnostics["policy/kl_mean"] > 0
    assert 0 <= float(diagnostics["policy/weight_kl"]) <= math.log(4)


def test_gradients_by_finite_differences(trained):
    """Of the policy's bias and of each dual variable; what MPO holds is held."""
    experiment, minibatch = trained
    agent, batch = experiment.learner.agent, in_float64(minibatch.batch)
    live, target = (arrays(minibatch.roles[role]) for role in (LIVE, "target"))
    rows = {name: onto_live(row) for name, row in rows_of(experiment.learner, minibatch).gradients.items()}

    def loss(name, part, place, shift):
        moved = {**live, part: [x + (shift if at == place else 0) for at, x in enumerate(live[part])]}
        return by_hand(moved, target, batch, agent)[name]

    for part in ("temperature", "penalty_mean", "penalty_std"):
        expected = (loss(part, part, 0, 1e-5) - loss(part, part, 0, -1e-5)) / 2e-5
        np.testing.assert_allclose(rows[part][part][0], expected, rtol=1e-3, atol=ROUNDING)
    for entry in np.eye(2):
        expected = (loss("policy", "policy", 1, 1e-5 * entry) - loss("policy", "policy", 1, -1e-5 * entry)) / 2e-5
        np.testing.assert_allclose(rows["policy"]["policy"][1].numpy() @ entry, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_the_audit(build, shared):
    (table,) = build(*SMALL, f"network.shared={shared}").audit().values()
    reached = {
        name: {weight.split("/")[0] for weight, kind in kinds.items() if kind != "none"}
        for name, kinds in table.items()
    }
    assert reached["policy"] == {"torso" if shared else "policy_torso", "policy"}
    for name in ("temperature", "penalty_mean", "penalty_std"):
        assert reached[name] == {name}
    assert reached["q_0"] == {"q_0", *({"torso"} if shared else ())}


def test_a_shared_torso_is_computed_once_for_all_samples(build):
    """The same losses from the separate evaluation of every sampled action."""
    experiment = build(*SMALL, "network.shared=true")
    experiment.programs(probe_every=100).iterate(3)
    agent, model, minibatch = experiment.learner.agent, experiment.learner.model, minibatch_of(experiment)
    batch, roles = minibatch.batch, minibatch.roles
    before, _ = agent._sampled(model, roles, batch.next_observation, batch.next_noise[:, 0])
    found = agent._values_of(model, roles, batch, batch.next_observation, before)
    for place, u in enumerate(before):
        action = model.distribution.squashed(u)
        values = agent.values(model, roles["target"], batch.next_observation, action)
        np.testing.assert_allclose(found[place], agent.lowest(values), rtol=1e-4, atol=1e-5)


def test_retrace_by_a_slow_loop(build):
    """Windows of 3 steps over episodes of 5: ratios clipped at 1, nothing behind the end of an episode."""
    experiment = build(*SMALL, "agent.n_step=3", "agent.retrace_lambda=0.9", "agent.batch_size=40", "agent.gamma=0.9")
    experiment.programs(probe_every=100).iterate(3)
    learner, minibatch = experiment.learner, minibatch_of(experiment)
    target, batch = arrays(minibatch.roles["target"]), in_float64(minibatch.batch)
    found = learner.agent.backup(learner.model, minibatch.roles, minibatch.batch)
    noise = batch.next_noise.transpose(2, 1, 0, 3)
    steps = batch.steps
    ratios = []
    for sample in range(40):
        value = []
        for t in range(3):
            mean, std = policy(target, steps.next_observation[sample, t][None])
            u = mean + std * noise[:, t, sample]
            observation = np.repeat(steps.next_observation[sample, t][None], 4, 0)
            value.append(np.mean(q_of(target, observation, np.tanh(u))))
        q = [
            float(q_of(target, steps.observation[sample, t][None], steps.action[sample, t][None] / 2.0)[0])
            for t in range(3)
        ]
        total, factor = q[0], 1.0
        for t in range(3):
            if t:
                mean, std = policy(target, steps.observation[sample, t][None])
                u = np.arctanh(np.clip(steps.action[sample, t] / 2.0, -1 + 2.0**-24, 1 - 2.0**-24))[None]
                log_pi = log_normal(u, mean, std)[0] - np.sum(np.log(2.0 * (1 - np.tanh(u) ** 2)))
                ratio = math.exp(log_pi - steps.extras["log_prob"][sample, t])
                ratios.append(ratio)
                factor *= 0.9 * 0.9 * min(1.0, ratio)
            total += factor * (steps.reward[sample, t] + 0.9 * value[t] - q[t])
            if steps.truncated[sample, t]:
                break
        np.testing.assert_allclose(found.target[sample], total, rtol=2e-3, atol=2e-3)
    assert min(ratios) < 0.999
    assert max(ratios) > 1.001
    assert not np.any(found.discount)


def test_the_warm_ups_density_is_recorded(build):
    """Uniform on [−2, 2] in the first iteration, the policy's afterwards."""
    experiment = build(*SMALL, "agent.n_step=2", "agent.retrace_lambda=1.0")
    experiment.programs(probe_every=100).iterate(2)
    log_prob = experiment.variables.sources["update"].extras["log_prob"].numpy()
    np.testing.assert_allclose(log_prob[:6], -math.log(4.0), rtol=1e-6)
    assert np.std(log_prob[6:12]) > 0


def test_what_cannot_be_is_said(build):
    with pytest.raises(ConfigError, match=r"agent\.retrace_lambda or agent\.residual null"):
        build(*SMALL, "agent.retrace_lambda=1.0", "agent.residual=1.0")
    with pytest.raises(ConfigError, match=r"agent\.samples"):
        build(*SMALL, "agent.samples=0")
