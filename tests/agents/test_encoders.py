"""A torso that actor and critics share: who shapes it, what the target reads, and what flows through it."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, onto_live
from rl.gradients.objective import At
from rl.instruments.replay import replay, rows_of
from rl.learning.drawing import drawn
from rl.learning.repeating import remembered
from rl.learning.state import read

SMALL = (
    *("agent=sac", "environment=compiled/pendulum", "num_envs=2", "agent.ticks=6", "agent.batch_size=5"),
    *("agent.warmup_steps=12", "agent.critic_widths=[7]", "network.shared=true", "network.torso.widths=[6]"),
    *("replay.capacity=40", "optimizer.learning_rate=0.01", "probe=none"),
)


def minibatch_of(experiment, update=None):
    state, windows = remembered(experiment.learner, read(experiment.variables))
    return replay(experiment.learner, state, windows, update).minibatch(0)


def after(build, *overrides, iterations=3):
    experiment = build(*SMALL, *overrides)
    experiment.programs(probe_every=100).iterate(iterations)
    return experiment


def test_critics_only_is_a_stop_gradient_before_the_policy(build):
    """24 updates: the same weights, whether the policy's row is left out or never reaches the torso."""
    left_out, stopped = after(build, "combiner=critics_only"), after(build, "agent.detach_policy=true")
    (table,) = stopped.audit().values()
    assert {weight.split("/")[0] for weight, kind in table["policy"].items() if kind != "none"} == {"policy"}
    for part, weights in left_out.variables.weights.items():
        for ours, theirs in zip(weights, stopped.variables.weights[part], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5, err_msg=part)
    summed = after(build)
    assert not np.allclose(summed.variables.weights["torso"][0], stopped.variables.weights["torso"][0], atol=1e-3)


def test_every_objective_has_a_row_on_the_torso(build):
    """q_0, q_1, policy and an auxiliary one; temperature reads itself alone."""
    experiment = build(*SMALL, "combiner=pcgrad", "auxiliary=[reward_prediction]")
    assert experiment.learner.shared == ("torso",)
    rows = rows_of(experiment.learner, minibatch_of(experiment)).gradients
    on_torso = {name for name, row in rows.items() if At(LIVE, "torso") in row}
    assert on_torso == {"q_0", "q_1", "policy", "reward_prediction"}
    assert list(rows["temperature"]) == [At(LIVE, "temperature")]


def test_auxiliary_objectives_see_single_steps(build):
    """With 3-step returns for the critics, reward prediction still predicts the first step's reward."""
    experiment = after(build, "agent.n_step=3", "auxiliary=[reward_prediction]", iterations=2)
    learner, state = experiment.learner, read(experiment.variables)
    windows, _ = drawn(learner, state, 0)
    minibatch = replay(learner, state._replace(sources={}), windows).minibatch(0)
    head, batch = minibatch.weights["reward_prediction"], minibatch.batch
    inputs = {"observation": batch.observation, "action": batch.action}
    features = learner.model.network.apply(minibatch.weights, inputs, ("torso",))["torso"]
    found = tf.concat([features, batch.action], -1).numpy() @ head[0].numpy() + head[1].numpy()
    reward = windows.steps.reward[:5, 0]
    losses, _ = minibatch.losses(minibatch.seen)
    np.testing.assert_allclose(losses["reward_prediction"], 0.5 * np.mean((found[:, 0] - reward) ** 2), rtol=1e-4)
    assert not np.allclose(batch.reward, reward)


@pytest.mark.parametrize("agent", ["sac", "td3", "mpo"])
def test_the_target_may_read_the_live_torso(build, agent):
    """Without `target_encoder` another torso in the target changes no loss of SAC, whose target has no policy."""
    for own, changes in (("true", True), ("false", False)):
        experiment = build(f"agent={agent}", *SMALL[1:], f"agent.target_encoder={own}")
        minibatch = minibatch_of(experiment)
        before, _ = minibatch.losses(minibatch.seen)
        target = {**minibatch.roles["target"]}
        target["torso"] = tuple(x + 0.5 for x in target["torso"])
        other, _ = minibatch.losses({**minibatch.seen, "target": target})
        assert (abs(float(before["q_0"] - other["q_0"])) > 1e-4) == (changes or agent != "sac")


@pytest.mark.parametrize("agent", ["sac", "td3", "mpo"])
def test_the_gradient_through_the_target(build, agent):
    """η d(½ δ²) at the target's weights, by differences; it is added to the live row. Critics' heads and torso."""
    experiment = build(f"agent={agent}", *SMALL[1:], "agent.residual=0.5", "agent.batch_size=64")
    minibatch = minibatch_of(experiment)
    rows = rows_of(experiment.learner, minibatch).gradients["q_0"]
    for part in ("torso", "q_1"):
        kernel = minibatch.roles["target"][part][0]
        direction = np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32)
        ends = []
        for sign in (1, -1):
            moved = (kernel + sign * 1e-3 * direction, *minibatch.roles["target"][part][1:])
            target = {**minibatch.roles["target"], part: moved}
            ends.append(float(minibatch.losses({**minibatch.seen, "target": target})[0]["q_0"]))
        expected = 0.5 * (ends[0] - ends[1]) / 2e-3
        found = float(np.sum(rows[At("target", part)][0] * direction))
        np.testing.assert_allclose(found, expected, rtol=0.05, atol=2e-3 * abs(ends[0]))
    both = onto_live(rows)
    np.testing.assert_array_equal(both["q_1"][0], rows[At("target", "q_1")][0])
    np.testing.assert_allclose(both["torso"][0], rows[At(LIVE, "torso")][0] + rows[At("target", "torso")][0], rtol=1e-5)


def test_frames_train_a_small_encoder(build):
    """24 × 24 × 3 frames: uint8 in memory, one convolution, four rows on it, a combiner, default probes."""
    experiment = build(
        *("agent=sac", "environment=compiled/reacher", "num_envs=1", "agent.ticks=4", "agent.batch_size=4"),
        *("agent.warmup_steps=4", "agent.critic_widths=[7]", "network=pixels", "network.torso.filters=3"),
        *("network.torso.widths=[6]", "replay.capacity=30", "combiner=pcgrad"),
    )
    chunk = experiment.programs(probe_every=1).iterate(2)
    assert experiment.variables.sources["update"].observation.dtype == tf.uint8
    assert chunk.metrics["bad_update"][-1] < 0
    assert experiment.learner.shared == ("torso",)


def test_what_cannot_be_is_said(build):
    with pytest.raises(ConfigError, match=r"agent\.detach_policy=true"):
        build("agent=td3", *SMALL[1:], "combiner=critics_only")
    for setting in ("agent.detach_policy=true", "agent.target_encoder=false"):
        with pytest.raises(
            ConfigError, match=rf"{setting.replace('=', ' is ')}, but nothing is shared: set network\.sh"
        ):
            build(*SMALL, "network.shared=false", setting)
    with pytest.raises(
        ConfigError, match=r"auxiliary\.termination\.torso is value, which this agent lacks; .* policy\."
    ):
        build(*SMALL, "auxiliary=[termination]", "auxiliary.termination.torso=value")
    with pytest.raises(ConfigError, match=r"or lower agent\.n_step × num_envs, 1,800, to at most 996\."):
        build(*SMALL, "agent.n_step=900", "agent.warmup_steps=0", "steps=1000", "replay.capacity=9000")
    with pytest.raises(ConfigError, match=r"frozen\.target\.tau is unknown; there are no settings here"):
        build(*SMALL, "frozen.target={_target_: rl.frozen.Never}")
