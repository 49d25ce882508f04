"""PPG: its two phases, its two forms, and what the value may move."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import onto_live
from rl.gradients.rows import LeakError
from rl.instruments.replay import replay, rows_of
from rl.learning.collecting import collect
from rl.learning.state import named_variables, read
from rl.updates.clipping import global_norm

SMALL = (
    "agent=ppg",
    "frozen=ppg",
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=8",
    "agent.minibatches=2",
    "agent.auxiliary_every=3",
    "agent.auxiliary_epochs=2",
    "agent.auxiliary_minibatches=2",
    "network.torso.widths=[8]",
    "optimizer.learning_rate=0.01",
    "probe=none",
)
DUAL = ("agent.form=dual", "network.shared=false")


def run(experiment, count):
    """{name: value} of all variables after each iteration."""
    programs, after = experiment.programs(probe_every=100), []
    for _ in range(count):
        programs.iterate(1)
        after.append({name: v.numpy() for name, v in named_variables(experiment.variables).items()})
    return after


def weights(values):
    return {n: x for n, x in values.items() if n.split("/")[0] in ("torso", "policy", "value")}


def replayed(experiment, update):
    learner, state = experiment.learner, read(experiment.variables)
    state, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    return replay(learner, state, trajectory, update)


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_auxiliary_phase_is_made_once_in_n_iterations(build, seeds):
    """Two minibatches an iteration, and 2 · 2 in the auxiliary phases of iterations 3 and 6."""
    after = run(build(*SMALL, f"seeds={seeds}"), 7)
    assert [x["updates/update"].max() for x in after] == [2, 4, 6, 8, 10, 12, 14]
    assert [x["updates/auxiliary"].max() for x in after] == [0, 0, 4, 4, 4, 8, 8]
    assert [x["updates/auxiliary"].min() for x in after] == [0, 0, 4, 4, 4, 8, 8]


def test_a_detached_value_is_what_policy_only_says(build):
    """A stop-gradient before the value head, and a combiner that gives the critic's row no weight: equal steps."""
    experiment = build(*SMALL)
    start = weights({n: v.numpy() for n, v in named_variables(experiment.variables).items()})
    detached = run(experiment, 4)
    combined = run(build(*SMALL, "agent.detach_value=false", "combiner=policy_only"), 4)
    for name, x in weights(detached[-1]).items():
        assert np.abs(x - start[name]).max() > 1e-3
        np.testing.assert_allclose(combined[-1][name], x, rtol=2e-4, atol=2e-5, err_msg=name)
    whole = run(build(*SMALL, "agent.detach_value=false"), 4)
    assert np.abs(whole[-1]["torso/dense_0/kernel"] - detached[-1]["torso/dense_0/kernel"]).max() > 1e-3


def test_the_anchor_is_the_policy_before_the_auxiliary_phase(build):
    """In iteration 3 it is taken after the policy phase, so that its clone starts with no divergence."""
    experiment = build(*SMALL)
    after = run(experiment, 3)
    kernel = "torso/dense_0/kernel"
    assert np.abs(after[2][f"frozen/anchor/{kernel}"] - after[1][kernel]).max() > 0
    played = replayed(experiment, "auxiliary")
    minibatch = played.minibatch(0)
    losses, _ = minibatch.losses(minibatch.seen)
    assert float(losses["clone"]) == 0.0
    assert float(losses["refit"]) > 0.0


def test_the_auxiliary_update_is_probed_in_its_second_round(build):
    """At the anchor the row of `clone` is rounding errors; one step later it is the gradient of KL(anchor, live)."""
    experiment = build(*SMALL)
    run(experiment, 3)
    played = replayed(experiment, "auxiliary")
    first, probed = played.minibatch(0), played.probed_minibatch()
    delta = played.propose(first).step.delta
    for part, own in probed.weights.items():
        for weight, before, step in zip(own, first.weights[part], delta[part], strict=True):
            np.testing.assert_array_equal(weight, before + step)
    for x, y in zip(probed.batch, played.minibatch(1).batch, strict=True):
        np.testing.assert_array_equal(x, y)
    assert np.any(probed.batch.target != first.batch.target)
    rows = rows_of(experiment.learner, probed).gradients
    norms = {name: float(global_norm(onto_live(rows[name])["torso"])) for name in ("refit", "clone")}
    rounding = global_norm(onto_live(rows_of(experiment.learner, first).gradients["clone"])["torso"])
    assert norms["clone"] > 1e-3 * norms["refit"] > 1e3 * float(rounding)

    network, seen = experiment.learner.model.network, {"observation": probed.batch.observation}
    old = tf.nn.softmax(network.apply(first.weights, seen, ("policy",))["policy"])
    with tf.GradientTape() as tape:
        tape.watch(probed.weights["torso"])
        new = tf.nn.log_softmax(network.apply(probed.weights, seen, ("policy",))["policy"])
        divergence = tf.reduce_sum(old * (tf.math.log(old) - new), -1)
        loss = tf.reduce_sum(divergence * probed.batch.valid) / tf.reduce_sum(probed.batch.valid)
    for x, y in zip(onto_live(rows["clone"])["torso"], tape.gradient(loss, probed.weights["torso"]), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4 * norms["clone"])


def test_losses_of_the_auxiliary_phase_by_hand(build):
    """½ (v − target)² of both value heads on all kept samples, and KL from a shifted anchor."""
    experiment = build(*SMALL, *DUAL, "agent.auxiliary_minibatches=1")
    run(experiment, 4)
    minibatch = replayed(experiment, "auxiliary").minibatch(0)
    shifted = {part: tuple(4.0 * w + 0.3 for w in own) for part, own in minibatch.roles["anchor"].items()}
    losses, _ = minibatch._replace(roles={**minibatch.roles, "anchor": shifted}).losses(
        {**minibatch.roles, "anchor": shifted}
    )
    network, batch = experiment.learner.model.network, minibatch.batch
    outputs = network.apply(minibatch.weights, {"observation": batch.observation})
    for objective, head in (("refit", "value"), ("auxiliary_value", "auxiliary_value")):
        error = 0.5 * np.square(outputs[head][:, 0] - batch.target)
        np.testing.assert_allclose(losses[objective], np.sum(error * batch.valid) / np.sum(batch.valid), rtol=1e-5)
    old = network.apply(shifted, {"observation": batch.observation}, ("policy",))["policy"]
    p, q = tf.nn.softmax(old).numpy(), tf.nn.softmax(outputs["policy"]).numpy()
    kl = np.sum(p * np.log(p / q), 1)
    np.testing.assert_allclose(losses["clone"], np.sum(kl * batch.valid) / np.sum(batch.valid), rtol=1e-4)


@pytest.mark.parametrize(
    ("overrides", "reads"),
    [
        ((), {"value": ["value"], "refit": ["torso", "value"], "clone": ["torso", "policy"]}),
        (("agent.detach_value=false",), {"value": ["torso", "value"]}),
        (
            DUAL,
            {
                "value": ["value_torso", "value"],
                "refit": ["value_torso", "value"],
                "auxiliary_value": ["policy_torso", "auxiliary_value"],
                "clone": ["policy_torso", "policy"],
            },
        ),
    ],
)
def test_the_audit_of_both_phases(build, overrides, reads):
    tables = build(*SMALL, *overrides).audit()
    assert list(tables) == ["update", "auxiliary"]
    found = {name: weights for table in tables.values() for name, weights in table.items()}
    for objective, parts in reads.items():
        reached = {weight.split("/")[0] for weight, kind in found[objective].items() if kind != "none"}
        assert reached == set(parts)


def test_a_value_that_leaks_is_refused(build, monkeypatch):
    """`detach_value` declared, but the gradient not stopped."""
    from rl.agents import PPG, PPO

    monkeypatch.setattr(PPG, "outputs", PPO.outputs)
    with pytest.raises(LeakError, match=r"objective 'value' leaks into 'torso/dense_0/kernel'"):
        build(*SMALL).audit()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("frozen=default",),
            r"`anchor` with .*Snapshot \(frozen\.anchor\) and before: auxiliary \(frozen\.anchor\.before\)",
        ),
        (("agent.form=dual",), r"agent\.form is 'dual', but network\.shared is true"),
        (("network.shared=false",), r"agent\.form is 'single', but network\.shared is false"),
        (("agent.auxiliary_minibatches=5",), r"agent\.auxiliary_minibatches is 5, .* of 96 .* × 3 iterations\)"),
        (("+frozen.behaviour.before=auxiliary",), r"taken before every iteration \(before: null\)"),
        (("agent.auxiliary_every=1000000",), r"begins with iteration 1000000, but the run has 15625 of 32 steps"),
        (("agent.auxiliary_groups.auxiliary=[refit]",), r"agent\.auxiliary_groups is .* refit, clone must be in"),
        (
            ("auxiliary=[termination]", "combiner=value_only"),
            r"combiner\.row is 1, the group critic of agent\.groups, which does not reach .* are actor, auxiliary:",
        ),
        (("agent.auxiliary_groups.auxiliary=[refit,clone,other]",), r"each of refit, clone must be in exactly one"),
        (("combiner=pcgrad",), r"no two groups of an update's objectives share weights"),
        (("agent/bootstrap=residual",), r"choose agent/bootstrap=semi_gradient"),
    ],
)
def test_what_cannot_be_is_said(build, overrides, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, *overrides)


@pytest.mark.parametrize("overrides", [(), DUAL], ids=["single", "dual"])
def test_every_probe_reads_both_phases(build, overrides):
    settings = [x for x in SMALL if x != "probe=none"]
    experiment = build(*settings, "probe=all", *overrides)
    learner, state = experiment.learner, read(experiment.variables)
    run = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    numbers, matrix, _ = experiment.prober(*run)
    assert "gradient/norm/refit" in numbers
    assert "gradient/noise/clone/trace" in numbers
    assert matrix.shape[1] == len(experiment.prober.legend.rows)


def test_the_auxiliary_phase_combines_its_own_groups(build):
    """Two groups: the combined gradient of PCGrad is no longer the sum, and what-if is about this update."""
    from rl.instruments.what_if import combining_update

    split = ("agent.auxiliary_groups.auxiliary=[refit,auxiliary_value]", "+agent.auxiliary_groups.clone=[clone]")
    experiment = build(*SMALL, *split, "combiner=pcgrad")
    rule = experiment.learner.rules["auxiliary"]
    assert rule.combined == ("auxiliary", "clone")
    assert rule.takes_rows
    assert combining_update(experiment.learner) == "auxiliary"


def test_minibatches_of_the_auxiliary_phase_are_half_as_large_by_default(build):
    """Two minibatches of 16 samples in the policy phase: 3 · 4 of 8 in the auxiliary one."""
    experiment = build(*SMALL, "agent.auxiliary_minibatches=null")
    assert experiment.learner.phases[1].source.minibatches == 12
    assert replayed(experiment, "auxiliary").minibatch(0).batch.valid.shape == (8,)


def test_no_row_is_measured_at_the_copy_that_its_own_phase_takes(build):
    """At the anchor the gradient of `clone` is 0, and a cosine with it would be one of rounding errors."""
    settings = [x for x in SMALL if x != "probe=none"]
    experiment = build(*settings, "probe.names=[staleness]")
    learner, state = experiment.learner, read(experiment.variables)
    run = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    numbers, _, _ = experiment.prober(*run)
    stale = {tuple(tag.split("/")[2:4]) for tag in numbers if tag.startswith("gradient/stale")}
    assert ("behaviour", "clone") in stale
    assert ("anchor", "policy") in stale
    assert not {("anchor", "clone"), ("anchor", "refit")} & stale


def test_what_if_needs_an_update_that_combines(build):
    from rl.instruments.what_if import combining_update

    with pytest.raises(ConfigError, match="no update of the agent has two groups of objectives that share weights"):
        combining_update(build(*SMALL).learner)
    assert combining_update(build(*SMALL, "agent.detach_value=false").learner) == "update"
