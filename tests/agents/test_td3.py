"""TD3: its target and losses by hand, the delayed actor, and what follows it."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import LIVE, onto_live
from rl.instruments.replay import replay, rows_of
from rl.learning.drawing import drawn
from rl.learning.state import named_variables, read

SMALL = (
    "agent=td3",
    "environment=compiled/pendulum",
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


def played(experiment, update):
    learner, state = experiment.learner, read(experiment.variables)
    windows, _ = drawn(learner, state, 0)
    return replay(learner, state._replace(sources={}), windows, update)


@pytest.fixture(scope="module")
def trained(build_apart):
    """An experiment after three iterations, the first of which only acts."""
    experiment = build_apart(*SMALL)
    experiment.programs(probe_every=100).iterate(3)
    return experiment


def mlp(weights, x):
    for place in range(0, len(weights), 2):
        x = x @ weights[place] + weights[place + 1]
        if place + 2 < len(weights):
            x = np.maximum(x, 0.0)
    return x


def in_float64(batch):
    return tf.nest.map_structure(lambda x: np.asarray(x, np.float64), batch)


def arrays(weights):
    return {part: [np.asarray(x, np.float64) for x in own] for part, own in weights.items()}


def unit_of(weights, observation):
    return np.tanh(mlp(weights["policy"], np.maximum(mlp(weights["policy_torso"], observation), 0.0)))


def q_of(weights, name, observation, unit):
    return mlp(weights[name], np.concatenate([observation, unit], -1))[:, 0]


def test_targets_and_losses_by_hand(trained):
    """In float64 NumPy: smoothing noise of 0.2, cut at ±0.5, on the target policy's action in the unit box."""
    critic, actor = (played(trained, name).minibatch(0) for name in ("critic", "actor"))
    live, target = (arrays(critic.roles[role]) for role in (LIVE, "target"))
    batch = in_float64(critic.batch)
    unit = unit_of(target, batch.next_observation) + np.clip(0.2 * batch.next_noise, -0.5, 0.5)
    lowest = np.minimum(*(q_of(target, q, batch.next_observation, np.clip(unit, -1, 1)) for q in ("q_0", "q_1")))
    y = batch.reward + batch.discount * lowest
    losses, diagnostics = critic.losses(critic.seen)
    for name in ("q_0", "q_1"):
        error = q_of(live, name, batch.observation, batch.action / 2.0) - y
        np.testing.assert_allclose(losses[name], 0.5 * np.mean(error**2), rtol=1e-4)
    np.testing.assert_allclose(diagnostics["value/target_mean"], np.mean(y), rtol=1e-4)
    assert np.abs(batch.next_noise).max() > 0.5

    losses, _ = actor.losses(actor.seen)
    expected = -np.mean(q_of(live, "q_0", batch.observation, unit_of(live, batch.observation)))
    np.testing.assert_allclose(losses["policy"], expected, rtol=1e-4)


def test_the_actors_gradient_is_the_deterministic_policy_gradient(trained):
    """∇_θ π(s) ∇_a q_0(s, a), by finite differences of the policy's bias with the critic held."""
    minibatch = played(trained, "actor").minibatch(0)
    found = onto_live(rows_of(trained.learner, minibatch).gradients["policy"])["policy"][1].numpy()
    live, batch = arrays(minibatch.weights), minibatch.batch
    observation = np.asarray(batch.observation, np.float64)

    def loss(shift):
        moved = {**live, "policy": [live["policy"][0], live["policy"][1] + shift]}
        return -np.mean(q_of(live, "q_0", observation, unit_of(moved, observation)))

    np.testing.assert_allclose(found, [(loss(1e-6) - loss(-1e-6)) / 2e-6], rtol=1e-3)


@pytest.mark.parametrize("num_envs", [1, 2, 4])
def test_the_actor_and_the_target_move_in_every_second_round(build, num_envs):
    """`num_envs` rounds a tick, 6 ticks: that many critic updates, half as many of the actor; the target follows these.

    With one round a tick the actor's update is a condition, with two or four it is known which rounds have it.
    """
    sizes = (f"num_envs={num_envs}", f"agent.warmup_steps={6 * num_envs}")
    experiment = build(*SMALL, *sizes, "optimizer.learning_rate=1e-30", "frozen.target.tau=0.5")
    experiment.programs(probe_every=100).iterate(1)
    copy = experiment.variables.frozen["target"].weights["q_0"][0]
    copy.assign(copy + 1.0)
    experiment.programs(probe_every=100).iterate(1)
    after = {name: v.numpy() for name, v in named_variables(experiment.variables).items()}
    assert (after["updates/critic"], after["updates/actor"]) == (6 * num_envs, 3 * num_envs)
    away = after["frozen/target/q_0/dense_0/kernel"] - after["q_0/dense_0/kernel"]
    np.testing.assert_allclose(away, 0.5 ** (3 * num_envs), rtol=1e-4, atol=2e-7)


def test_exploration_stays_in_the_box_and_warm_up_fills_it(build):
    experiment = build(*SMALL, "agent.exploration_noise=3.0", "agent.warmup_steps=36", "replay.capacity=200")
    experiment.programs(probe_every=100).iterate(6)
    action = experiment.variables.sources["update"].action.numpy()[..., 0]
    uniform, noisy = action[:18].ravel(), action[18:36].ravel()
    assert np.abs(action).max() <= 2.0
    assert np.abs(uniform).max() < 2.0
    assert uniform.std() == pytest.approx(4 / np.sqrt(12), rel=0.35)
    assert np.mean(np.abs(noisy) == 2.0) > 0.4  # noise of three half widths is mostly clipped


@pytest.mark.parametrize("shared", [False, True])
def test_the_audit(build, shared):
    tables = build(*SMALL, f"network.shared={shared}").audit()
    assert list(tables) == ["critic", "actor"]
    reached = {w.split("/")[0] for w, kind in tables["actor"]["policy"].items() if kind != "none"}
    assert reached == {"torso" if shared else "policy_torso", "policy"}


def test_ddpg_is_a_config(build):
    experiment = build("agent=ddpg", *SMALL[1:])
    experiment.programs(probe_every=100).iterate(2)
    updates = {name: int(v) for name, v in experiment.variables.updates.items()}
    assert updates == {"critic": 12, "actor": 12}
