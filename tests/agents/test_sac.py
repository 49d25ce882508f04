"""SAC: its losses by hand, what each gradient reaches, and its target."""

import math

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, onto_live
from rl.gradients.rows import LeakError
from rl.instruments.replay import replay, rows_of
from rl.learning.drawing import drawn
from rl.learning.state import read

SMALL = (
    "agent=sac",
    "environment=compiled/pendulum",
    "num_envs=2",
    "agent.ticks=6",
    "agent.batch_size=5",
    "agent.warmup_steps=12",
    "agent.critic_widths=[7]",
    "network.torso.widths=[6]",
    "replay.capacity=40",
    "probe=none",
)


@pytest.fixture(scope="module")
def trained(build_apart):
    """An experiment after three iterations, the first of which only acts; and its first minibatch."""
    experiment = build_apart(*SMALL, "agent.n_step=2", "optimizer.learning_rate=0.01")
    experiment.programs(probe_every=100).iterate(3)
    return experiment, minibatch_of(experiment)


def minibatch_of(experiment):
    learner, state = experiment.learner, read(experiment.variables)
    windows, _ = drawn(learner, state, 0)
    return replay(learner, state._replace(sources={}), windows).minibatch(0)


def in_float64(batch):
    return tf.nest.map_structure(lambda x: np.asarray(x, np.float64), batch)


def arrays(weights):
    return {part: [np.asarray(x, np.float64) for x in own] for part, own in weights.items()}


def mlp(weights, x):
    """Linear layers with a relu between them."""
    for place in range(0, len(weights), 2):
        x = x @ weights[place] + weights[place + 1]
        if place + 2 < len(weights):
            x = np.maximum(x, 0.0)
    return x


def policy(weights, observation):
    """The policy's torso ends with a relu, its head is linear."""
    features = np.maximum(mlp(weights["policy_torso"], observation), 0.0)
    return np.split(mlp(weights["policy"], features), 2, -1)


def acted(weights, observation, noise):
    """The action of the unit box and its log-density on [−2, 2]."""
    mean, log_std = policy(weights, observation)
    u = mean + np.exp(log_std) * noise
    log_prob = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi) - np.log(2.0 * (1 - np.tanh(u) ** 2))
    return np.tanh(u), log_prob.sum(-1)


def q_of(weights, name, observation, action):
    return mlp(weights[name], np.concatenate([observation, action], -1))[:, 0]


def test_losses_by_hand(trained):
    """In float64 NumPy, from the weights alone; the minibatch is 2-step transitions."""
    experiment, minibatch = trained
    live, target = (arrays(minibatch.roles[role]) for role in (LIVE, "target"))
    batch = in_float64(minibatch.batch)
    alpha = math.exp(live["temperature"][0])
    losses, diagnostics = minibatch.losses(minibatch.seen)

    next_action, next_log = acted(live, batch.next_observation, batch.next_noise)
    lowest = np.minimum(*(q_of(target, name, batch.next_observation, next_action) for name in ("q_0", "q_1")))
    y = batch.reward + batch.discount * (lowest - alpha * next_log)
    for name in ("q_0", "q_1"):
        error = q_of(live, name, batch.observation, batch.action / 2.0) - y
        np.testing.assert_allclose(losses[name], 0.5 * np.mean(error**2), rtol=1e-4)

    action, log_prob = acted(live, batch.observation, batch.noise)
    lowest = np.minimum(*(q_of(live, name, batch.observation, action) for name in ("q_0", "q_1")))
    np.testing.assert_allclose(losses["policy"], np.mean(alpha * log_prob - lowest), rtol=1e-4)
    entropy = -np.mean(log_prob)
    np.testing.assert_allclose(
        losses["temperature"], live["temperature"][0] * (entropy + 1.0 - math.log(2)), rtol=1e-3, atol=1e-6
    )
    np.testing.assert_allclose(diagnostics["policy/entropy"], entropy, rtol=1e-4)
    np.testing.assert_allclose(diagnostics["policy/temperature"], alpha, rtol=1e-5)
    assert alpha != 1.0
    assert experiment.learner.agent.n_step == 2


def test_the_policys_gradient_goes_through_the_action_alone(trained):
    """Against finite differences of the loss with the critics held: every weight of the policy's head."""
    experiment, minibatch = trained
    rows = rows_of(experiment.learner, minibatch).gradients
    found = onto_live(rows["policy"])["policy"][0].numpy()
    batch = in_float64(minibatch.batch)
    live = arrays(minibatch.weights)
    alpha = math.exp(live["temperature"][0])

    def loss(kernel):
        weights = {**live, "policy": [kernel, live["policy"][1]]}
        action, log_prob = acted(weights, batch.observation, batch.noise)
        return np.mean(
            alpha * log_prob - np.minimum(*(q_of(live, q, batch.observation, action) for q in ("q_0", "q_1")))
        )

    kernel, expected = live["policy"][0], np.zeros_like(live["policy"][0])
    for at in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[at] = 1e-6
        expected[at] = (loss(kernel + step) - loss(kernel - step)) / 2e-6
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_temperature_rises_where_the_entropy_is_too_low(trained):
    """d L_α / d log α = entropy − H̄; H̄ is −1 for actions in [−1, 1], which ±2 make log 2 larger."""
    experiment, minibatch = trained
    row = onto_live(rows_of(experiment.learner, minibatch).gradients["temperature"])["temperature"][0]
    _, diagnostics = minibatch.losses(minibatch.seen)
    np.testing.assert_allclose(row, float(diagnostics["policy/entropy"]) + 1.0 - math.log(2), rtol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_the_audit_proves_what_each_objective_reaches(build, shared):
    """Q inside the policy's loss is at stopped weights, shared features included; the temperature reads itself."""
    (table,) = build(*SMALL, f"network.shared={shared}").audit().values()
    torso = "torso" if shared else "policy_torso"
    expected = {
        "q_0": {"q_0", *({"torso"} if shared else ())},
        "q_1": {"q_1", *({"torso"} if shared else ())},
        "policy": {torso, "policy"},
        "temperature": {"temperature"},
    }
    for objective, parts in expected.items():
        assert {weight.split("/")[0] for weight, kind in table[objective].items() if kind != "none"} == parts


def test_critics_that_are_not_stopped_are_refused(build, monkeypatch):
    from rl.agents import off_policy, sac

    class Unstopped:
        """TensorFlow without a stop-gradient."""

        def __getattr__(self, name):
            return tf.identity if name == "stop_gradient" else getattr(tf, name)

    monkeypatch.setattr(sac, "tf", Unstopped())
    monkeypatch.setattr(off_policy, "tf", Unstopped())
    with pytest.raises(LeakError, match=r"objective '(q_0|policy)' leaks into"):
        build(*SMALL).audit()


def test_the_critics_in_the_target_are_a_random_subset(build):
    """Two of five (REDQ), and each as often as any other: χ² within five standard deviations of its mean."""
    agent = build(*SMALL, "agent.num_critics=5", "agent.critics_in_target=2", "agent.groups.critic=[q_*]").learner.agent
    batch = minibatch_of(build(*SMALL)).batch
    chosen = [agent.chosen(tf.constant([7, seed]), batch)[0].numpy() for seed in range(300)]
    assert {float(np.sum(one)) for one in chosen} == {2.0}
    count, expected = np.sum(chosen, 0), 300 * 2 / 5
    assert np.sum((count - expected) ** 2 / (expected * 3 / 5)) < 4 + 5 * math.sqrt(8)


def test_all_critics_minimum_is_the_targets(build):
    """With one of two critics chosen, the target is that critic's value: lower or higher than the minimum of both."""
    minibatch = minibatch_of(build(*SMALL))
    both, _ = minibatch.losses(minibatch.seen)
    per = []
    for chosen in ([1.0, 0.0], [0.0, 1.0]):
        batch = minibatch.batch._replace(chosen=tf.constant([chosen] * 5))
        per.append(float(minibatch._replace(batch=batch).losses(minibatch.seen)[1]["value/target_mean"]))
    assert float(minibatch.losses(minibatch.seen)[1]["value/target_mean"]) <= min(per) + 1e-6
    assert set(both) == {"q_0", "q_1", "policy", "temperature"}


def test_observations_of_64_bits_are_audited_and_learnt_from(build):
    """They stay float64 in memory, and are float32 once they are normalised, in the audit too."""
    small = [override for override in SMALL if not override.startswith("environment")]
    gymnasium = ("environment=gymnasium", "environment.id=counting:Steered-v0", "environment.vectorization=sync")
    experiment = build(*small, *gymnasium)
    assert experiment.learner.environment.observation_space.dtype == tf.float64
    experiment.audit()
    chunk = experiment.programs(probe_every=100).iterate(2)
    assert experiment.variables.sources["update"].observation.dtype == tf.float64
    assert chunk.metrics["bad_update"].tolist() == [-1.0, -1.0]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("environment=compiled/cartpole",),
            r"SAC \(agent\) needs Box actions with finite bounds, .* are a Discrete: ",
        ),
        (("frozen=default",), r"frozen copy `target`, and there is none: choose frozen=off_policy"),
        (("agent.critics_in_target=3",), r"agent\.critics_in_target is 3; it must be at most agent\.num_critics, 2"),
        (("agent.batch_size=0",), r"agent\.batch_size"),
        (("replay.capacity=0",), r"replay\.capacity"),
        (("agent.groups.critic=[q_0]",), r"q_1"),
        (
            ("agent.warmup_steps=1_000_000", "steps=480", "agent.ticks=10"),
            r"the run has \d+ of \d+ steps: raise steps .*lower agent\.warmup_steps, 1,000,000, to at most \d+\.",
        ),
        (("agent.groups.critic=[q_0,q_1,q_2]",), r"agent\.groups\.critic has q_2; the objectives are q_0, q_1, policy"),
        (("agent.update_to_data=0.3",), r"agent\.update_to_data 0\.3 × .* num_envs 2 is 0\.6 minibatches a tick"),
        (("agent.update_to_data=0.25",), r"is 0\.5 minibatches a tick; it must be a whole number, ≥ 1"),
        (("agent.target_encoder=false",), r"agent\.target_encoder is false, but nothing is shared"),
        (("environment=compiled/reacher", "network=pixels", "network.shared=false"), r"network\.shared=true"),
    ],
)
def test_what_cannot_be_is_said(build, overrides, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, *overrides)


@pytest.mark.parametrize(("capacity", "n_step", "fits"), [(12, 1, True), (11, 1, False), (14, 2, True), (13, 2, False)])
def test_a_memory_holds_an_iteration_and_a_window(build, capacity, n_step, fits):
    """6 ticks of one step in 2 environments; a window of n steps reaches n − 1 further."""
    overrides = (*SMALL, f"replay.capacity={capacity}", f"agent.n_step={n_step}")
    if fits:
        build(*overrides)
        return
    with pytest.raises(ConfigError, match=rf"replay\.capacity is {capacity}, .* need at least {5 + n_step}\."):
        build(*overrides)


def test_with_a_subset_in_the_target_the_policy_maximises_the_mean(build):
    """REDQ's algorithm 1: the mean over all critics in L_π; otherwise their minimum."""
    values = {"q_0": tf.constant([1.0, 5.0]), "q_1": tf.constant([3.0, 2.0])}
    np.testing.assert_array_equal(build(*SMALL).learner.agent.judged(values), [1.0, 2.0])
    subset = build(*SMALL, "agent.critics_in_target=1")
    np.testing.assert_array_equal(subset.learner.agent.judged(values), [2.0, 3.5])
    subset.programs(probe_every=100).iterate(1)
    minibatch = minibatch_of(subset)
    live, batch = arrays(minibatch.roles[LIVE]), in_float64(minibatch.batch)
    action, log_prob = acted(live, batch.observation, batch.noise)
    mean = sum(q_of(live, name, batch.observation, action) for name in ("q_0", "q_1")) / 2
    losses, _ = minibatch.losses(minibatch.seen)
    np.testing.assert_allclose(losses["policy"], np.mean(log_prob - mean), rtol=1e-4)  # α = 1 at the start
    assert np.abs(np.mean(log_prob - mean)) > 0.1


@pytest.mark.parametrize("agent", ["sac", "td3", "mpo"])
def test_which_critics_are_chosen_is_independent_of_the_noise(build, agent):
    """Correlation of the chosen critic with the first noise over 400 seeds, within 3.5 standard errors of 0."""
    shared = [override for override in SMALL if not override.startswith("agent=")]
    experiment = build(f"agent={agent}", *shared, "agent.critics_in_target=1")
    learner, batch = experiment.learner, minibatch_of(experiment).batch
    settled = [learner.agent.settle(learner.model, batch, tf.constant([3, seed])) for seed in range(400)]
    chosen = [float(one.chosen[0, 0]) for one in settled]
    noise = [float(np.ravel(one.next_noise)[0]) for one in settled]
    assert 0.4 < np.mean(chosen) < 0.6
    assert abs(np.corrcoef(chosen, noise)[0, 1]) < 3.5 / 20
