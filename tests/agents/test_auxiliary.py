"""Auxiliary objectives: losses by hand, what each reads, any number beside one another, and leaks by name."""

import math
import re

import numpy as np
import pytest
import tensorflow as tf

from rl.agents import auxiliary
from rl.errors import ConfigError
from rl.gradients.rows import LeakError
from rl.instruments.replay import replay
from rl.learning.collecting import collect
from rl.learning.state import read

NAMES = (
    "reward_prediction",
    "next_observation",
    "inverse_dynamics",
    "termination",
    "self_prediction",
    "decorrelation",
)
SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=8",
    "agent.minibatches=1",
    "network.torso.widths=[6]",
    "probe=none",
)
OWN = "{_target_:rl.agents.auxiliary.Termination,coefficient:1.0,group:auxiliary,torso:policy}"
BASE, DECORRELATED, INVERSE = (OWN.replace("Termination", x) for x in ("Auxiliary", "Decorrelation", "InverseDynamics"))
CORRECTION = OWN.replace("Termination", "Correction").replace("}", ",regularization:0.0}")
TARGET = ("frozen=target_polyak",)  # for self-prediction
CONTINUOUS = ("environment=compiled/pendulum", *SMALL[1:])


class Taken:
    """The first minibatch of an agent with one auxiliary objective, after two iterations, as arrays."""

    def __init__(self, experiment, name):
        experiment.programs(probe_every=10).iterate(2)
        learner, state = experiment.learner, read(experiment.variables)
        state, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
        minibatch = replay(learner, state, trajectory).minibatch(0)
        self.loss = float(minibatch.losses(minibatch.seen)[0][name])
        self.network, self.batch, self.minibatch = learner.model.network, minibatch.batch, minibatch
        self.weights = {part: [w.numpy() for w in own] for part, own in minibatch.weights.items()}
        self.valid = self.batch.valid.numpy()

    def features(self, observation, role="live"):
        kernel, bias = (w.numpy() for w in self.minibatch.roles[role]["torso"])
        return np.tanh(observation.numpy() @ kernel + bias)

    def head(self, part, *inputs):
        kernel, bias = self.weights[part]
        return np.concatenate(inputs, 1) @ kernel + bias

    def mean(self, x):
        return np.sum(x * self.valid) / np.sum(self.valid)

    @property
    def action(self):
        action = self.batch.action.numpy()
        return np.eye(2, dtype=np.float32)[action] if action.dtype == np.int64 else action


def taken(build, name, settings=SMALL):
    return Taken(build(*settings, f"auxiliary=[{name}]", *(TARGET if name == "self_prediction" else ())), name)


@pytest.mark.parametrize("settings", [SMALL, CONTINUOUS], ids=["discrete", "continuous"])
def test_reward_prediction(build, settings):
    found = taken(build, "reward_prediction", settings)
    r = found.head("reward_prediction", found.features(found.batch.observation), found.action)[:, 0]
    np.testing.assert_allclose(found.loss, found.mean(0.5 * (r - found.batch.reward.numpy()) ** 2), rtol=1e-4)


def test_next_observation(build):
    found = taken(build, "next_observation")
    o = found.head("next_observation", found.features(found.batch.observation), found.action)
    error = 0.5 * np.mean((o - found.batch.next_observation.numpy()) ** 2, 1)
    np.testing.assert_allclose(found.loss, found.mean(error), rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.99, 0.0])
def test_termination(build, gamma):
    """With γ = 0 the discount of every step is 0, and yet no more steps terminate."""
    found = taken(build, "termination", (*SMALL, f"agent.gamma={gamma}", "agent.rollout_length=32"))
    logit = found.head("termination", found.features(found.batch.observation), found.action)[:, 0]
    ended = found.batch.terminated.numpy() == 1
    assert 0 < np.count_nonzero(ended) < np.size(ended) / 4
    if gamma:
        np.testing.assert_array_equal(ended, found.batch.discount.numpy() == 0)
    p = 1 / (1 + np.exp(-logit.astype(float)))
    np.testing.assert_allclose(found.loss, found.mean(-np.log(np.where(ended, p, 1 - p))), rtol=1e-4)


def test_inverse_dynamics(build):
    found = taken(build, "inverse_dynamics")
    logits = found.head("inverse_dynamics_before", found.features(found.batch.observation))
    logits = logits + found.head("inverse_dynamics_after", found.features(found.batch.next_observation))
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    error = -log_p[np.arange(len(log_p)), found.batch.action.numpy()]
    np.testing.assert_allclose(found.loss, found.mean(error), rtol=1e-4)
    continuous = taken(build, "inverse_dynamics", CONTINUOUS)
    a = continuous.head("inverse_dynamics_before", continuous.features(continuous.batch.observation))
    a = a + continuous.head("inverse_dynamics_after", continuous.features(continuous.batch.next_observation))
    np.testing.assert_allclose(continuous.loss, 0.5 * np.mean((a - continuous.action) ** 2), rtol=1e-4)


def test_self_prediction(build):
    found = taken(build, "self_prediction")
    q = found.head("self_prediction", found.features(found.batch.observation), found.action)
    target = found.features(found.batch.next_observation, "target")
    assert q.shape == target.shape
    cosine = (q * target).sum(1) / np.linalg.norm(q, axis=1) / np.linalg.norm(target, axis=1)
    np.testing.assert_allclose(found.loss, found.mean(1 - cosine), rtol=1e-4)
    live = found.features(found.batch.next_observation)
    assert np.abs(live - target).max() > 0  # the copy is not the live weights


def test_decorrelation(build):
    found = taken(build, "decorrelation")
    features = found.features(found.batch.observation).astype(float)
    centred = features - features.mean(0)
    unit = centred / np.sqrt((centred**2).mean(0) + 1e-4)
    correlation = unit.T @ unit / len(unit)
    apart = correlation[~np.eye(6, dtype=bool)]
    np.testing.assert_allclose(found.loss, np.mean(apart**2), rtol=1e-3)


def test_decorrelation_is_zero_for_independent_features_and_one_for_copies():
    """Features ±1 of a full factorial design, and three equal columns."""
    design = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T.astype(np.float32)

    class Model:
        def __init__(self, features):
            self.network = self
            self.parts, self.features = {"torso": None}, tf.constant(features, tf.float32)

        def apply(self, weights, inputs, outputs):
            return {"torso": self.features}

    class Batch:
        observation, valid = tf.zeros((8, 1)), tf.ones(8)

    one = auxiliary.Decorrelation(coefficient=1.0, group="auxiliary", torso="policy")
    for features, expected in ((design, 0.0), (np.repeat(design[:, :1], 3, 1), 1.0), (np.ones((8, 3)), 0.0)):
        found = one.loss("decorrelation", Model(features), {"live": {}}, Batch)
        np.testing.assert_allclose(found, expected, atol=3e-4)  # 1 / (1 + 10⁻⁴)²


@pytest.mark.parametrize("shared", [True, False])
def test_all_at_once_and_what_each_reads(build, shared):
    """With separate torsos they shape the policy's."""
    experiment = build(*SMALL, *TARGET, f"auxiliary=[{','.join(NAMES)}]", f"network.shared={shared}")
    (table,) = experiment.audit().values()
    assert set(table) == {"policy", "value", "entropy", *NAMES}
    torso = "torso" if shared else "policy_torso"
    own = {name: {name} for name in NAMES}
    own["inverse_dynamics"], own["decorrelation"] = {"inverse_dynamics_before", "inverse_dynamics_after"}, set()
    for name in NAMES:
        reached = {weight.split("/")[0] for weight, kind in table[name].items() if kind != "none"}
        assert reached == {torso, *own[name]}
    update = experiment.learner.updates["update"]
    assert update.groups == {"actor": ("policy", "entropy"), "critic": ("value",), "auxiliary": NAMES}
    assert experiment.learner.shared == ((torso,) if shared else ("policy_torso",))
    metrics = experiment.programs(probe_every=10).iterate(2).metrics
    for name in NAMES:
        assert np.isfinite(metrics[f"objective/{name}"]).all()


def test_coefficient_group_and_torso_are_settings(build):
    overrides = (
        "auxiliary=[termination,reward_prediction]",
        "auxiliary.termination.coefficient=0.25",
        "auxiliary.termination.group=critic",
        "auxiliary.reward_prediction.group=model",
        "auxiliary.reward_prediction.torso=value",
        "network.shared=false",
        "combiner=pcgrad",
    )
    learner = build(*SMALL, *overrides).learner
    update = learner.updates["update"]
    assert update.groups == {
        "actor": ("policy", "entropy"),
        "critic": ("value", "termination"),
        "model": ("reward_prediction",),
    }
    coefficients = {objective.name: objective.coefficient for objective in update.objectives}
    assert (coefficients["termination"], coefficients["reward_prediction"]) == (0.25, 1.0)
    assert learner.hyperparameters["agent.auxiliary.termination.coefficient"] == 0.25
    assert learner.shared == ("policy_torso", "value_torso")


def test_an_auxiliary_objective_changes_no_initial_weight_and_trains_by_its_coefficient(build):
    """With coefficient 0 the agent learns as without it; otherwise the loss falls."""
    one = (*SMALL, "auxiliary=[next_observation]")
    idle, without = build(*one, "auxiliary.next_observation.coefficient=0"), build(*SMALL)
    for experiment in (idle, without):
        experiment.programs(probe_every=10).iterate(30)
    for ours, theirs in zip(idle.variables.weights["torso"], without.variables.weights["torso"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4)
    programs = build(*one, "optimizer.learning_rate=0.01").started_in(idle).programs(probe_every=10)
    losses = [float(programs.iterate(1).metrics["objective/next_observation"][0]) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


@pytest.mark.parametrize("name", ["reward_prediction", "self_prediction", "decorrelation"])
def test_a_leak_is_refused_by_name(build, monkeypatch, name):
    """The loss reads the policy's head as well, and does not say so."""
    kinds = {
        "reward_prediction": auxiliary.RewardPrediction,
        "self_prediction": auxiliary.SelfPrediction,
        "decorrelation": auxiliary.Decorrelation,
    }
    own = kinds[name].loss

    def leaking(self, name, model, roles, batch):
        policy = model.network.apply(roles["live"], {"observation": batch.observation}, ("policy",))["policy"]
        return own(self, name, model, roles, batch) + 0.1 * tf.reduce_mean(policy)

    monkeypatch.setattr(kinds[name], "loss", leaking)
    with pytest.raises(LeakError, match=rf"objective '{name}' leaks into 'policy/logits/kernel'"):
        build(*SMALL, f"auxiliary=[{name}]", *(TARGET if name == "self_prediction" else ())).audit()


def test_exact_rules_refuse_more_than_six_groups_by_their_key(build):
    groups = [f"auxiliary.{name}.group={name}" for name in NAMES]
    with pytest.raises(
        ConfigError,
        match=rf"at most 6 rows, but there are {2 + len(NAMES)} groups .* \(agent\.groups, auxiliary\.<name>\.group\)",
    ):
        build(*SMALL, *TARGET, f"auxiliary=[{','.join(NAMES)}]", *groups, "combiner=upgrad")
    build(*SMALL, *TARGET, f"auxiliary=[{','.join(NAMES)}]", *groups, "combiner=pcgrad")
    build(*SMALL, *TARGET, f"auxiliary=[{','.join(NAMES)}]", *groups[:3], "combiner=upgrad")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("auxiliary=[self_prediction]", "frozen=default"),
            r"objective self_prediction .* frozen=target_polyak",
        ),
        (("auxiliary=[termination]", "auxiliary.termination.coefficient=nan"), r"auxiliary\.termination\.coefficient"),
        (("auxiliary=[termination]", "auxiliary.termination.torso=none"), r"auxiliary\.termination\.torso"),
        ((f"+auxiliary.value={OWN}",), r"auxiliary has an objective value, which the agent has itself"),
        ((f"+auxiliary.observation={OWN}",), r"auxiliary\.observation would make a part observation, which there is"),
        ((f"+auxiliary.torso={OWN}",), r"auxiliary\.torso would make a part torso, which there is"),
        ((f"+auxiliary.combined={OWN}",), r"auxiliary\.combined would make a part combined, which there is"),
        (
            (f"+auxiliary.x_before={DECORRELATED}", f"+auxiliary.x={INVERSE}"),
            r"auxiliary\.x would make a part x_before, which there is",
        ),
        (
            tuple(f"+auxiliary.{name}={OWN}" for name in ("a", "a-b", "b", "b-b")),
            r"'a' and 'b-b' would be logged as a-b-b, and so would 'a-b' and 'b'",
        ),
        ((f"+auxiliary.mine={BASE}",), r"an auxiliary objective .* has no loss; name one of its subclasses"),
        ((f"+auxiliary.h={CORRECTION}",), r"objective h needs a frozen copy `target`"),
        (("auxiliary=[termination]", "+agent.coefficients.termination=2"), r"auxiliary\.<name>\.coefficient"),
        (
            ("auxiliary=[termination]", *TARGET),
            r"frozen copy `target` \(frozen.target\), but nothing bootstraps from it",
        ),
    ],
)
def test_what_cannot_be_is_said(build, overrides, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, *overrides)


def test_a_loss_that_raises_is_named_with_its_line(build, monkeypatch):
    """The shape of the observations is told, since a loss may take another one for granted."""

    def loss(self, name, model, roles, batch):
        return tf.reduce_mean(tf.zeros((3, 5)) - batch.observation)

    monkeypatch.setattr(auxiliary.Termination, "loss", loss)
    with pytest.raises(ConfigError) as raised:
        build(*SMALL, "auxiliary=[termination]").audit()
    words = str(raised.value)
    assert words.startswith("auxiliary objective termination (Termination) fails on observations float32 [32, 4]: ")
    assert re.search(r"\(.*test_auxiliary\.py:\d+ in loss\)$", words), words


def test_a_name_that_begins_like_another_is_another_objective(build):
    (table,) = build(*SMALL, "auxiliary=[reward_prediction]", f"+auxiliary.reward={OWN}").audit().values()
    assert table["reward"]["reward_prediction/linear/kernel"] == "none"
    assert table["reward"]["reward/linear/kernel"] == "non-zero"


def test_per_sample_probes_leave_out_what_is_no_mean_over_samples(build):
    settings = [x for x in SMALL if x != "probe=none"]
    experiment = build(*settings, "auxiliary=[decorrelation,termination]", "probe.names=[noise,interference]")
    learner, state = experiment.learner, read(experiment.variables)
    run = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    tags = experiment.prober(*run).numbers
    assert "gradient/noise/termination/trace" in tags
    assert not [tag for tag in tags if "decorrelation" in tag]


def test_two_seeds_learn_as_each_alone(build):
    overrides = (f"auxiliary=[{','.join(NAMES)}]", *TARGET)
    both = build(*SMALL, *overrides, "seeds=2")
    both.programs(probe_every=10).iterate(3)
    alone = build(*SMALL, *overrides, "seed=1")
    alone.programs(probe_every=10).iterate(3)
    ours, theirs = both.variables.weights["torso"][0], alone.variables.weights["torso"][0]
    np.testing.assert_allclose(ours[1], theirs, rtol=1e-3, atol=1e-5)
    assert math.isfinite(float(tf.reduce_sum(ours)))
