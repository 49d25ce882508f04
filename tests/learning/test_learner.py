"""An iteration of learning: whole, pure, seeded, and not moved by looking."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import onto_live
from rl.instruments.probing import Prober
from rl.instruments.replay import replay, rows_of
from rl.learning.collecting import collect
from rl.learning.learn import learn
from rl.learning.state import named_variables, read

SMALL = ("num_envs=4", "agent.rollout_length=16", "network.torso.widths=[8,8]", "steps=2000")


def weights_of(experiment):
    return [v.numpy() for part in experiment.variables.weights.values() for v in part]


def advance(programs, count):
    """Exactly so many iterations; metrics and findings of all of them."""
    found = []
    while count:
        chunk = programs.iterate(count)
        found.append({**chunk.metrics, **chunk.findings})
        count -= len(chunk.metrics["bad_update"])
    return {tag: np.concatenate([numbers[tag] for numbers in found]) for tag in found[0]}


def trained(experiment, count, probe_every=3):
    programs = experiment.programs(probe_every=probe_every)
    findings = advance(programs, count)
    return weights_of(experiment), findings, programs


@pytest.fixture(scope="module")
def whole(build_apart):
    """Seven iterations in one call, three of them probed: the weights, what was logged, and the programs."""
    return trained(build_apart(*SMALL), 7)


@pytest.fixture(scope="module")
def apart(build_apart):
    """The same in calls of one, two and four: the weights before, after the first and at the end, and so on."""
    experiment = build_apart(*SMALL)
    programs, weights, found = experiment.programs(probe_every=3), [weights_of(experiment)], []
    for count in (1, 2, 4):
        found.append(advance(programs, count)["gradient/norm/value"])
        weights.append(weights_of(experiment))
    return weights, np.concatenate(found), programs


def test_same_seed_same_weights_bit_for_bit_and_another_seed_others(build, whole, apart):
    other, _, _ = trained(build(*SMALL, "probe=none", "seed=2"), 7)
    for a, b, c in zip(whole[0], apart[0][-1], other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.abs(a - c).max() > 0


def test_probes_change_no_bit_of_the_weights(build, whole):
    looked, findings, _ = whole
    blind, _, _ = trained(build(*SMALL, "probe=none"), 7)
    assert np.isfinite(findings["gradient/norm/policy"]).any()
    for a, b in zip(looked, blind, strict=True):
        np.testing.assert_array_equal(a, b)


def test_probes_of_every_iteration_change_no_bit_beside_a_rule_that_takes_rows(build):
    looked, findings, _ = trained(build(*SMALL, "combiner=pcgrad"), 6, probe_every=1)
    blind, _, _ = trained(build(*SMALL, "combiner=pcgrad", "probe=none"), 6)
    assert np.isfinite(findings["gradient/norm/policy"]).all()
    for a, b in zip(looked, blind, strict=True):
        np.testing.assert_array_equal(a, b)


def test_iterations_in_one_call_or_in_several_are_the_same(whole, apart):
    weights, found, programs = whole
    weights_apart, findings, other = apart
    for a, b in zip(weights, weights_apart[-1], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found["gradient/norm/value"], findings)
    assert np.isfinite(findings).tolist() == [True, False, False, True, False, False, True]
    assert programs.num_traces == other.num_traces == 3  # learn, iterate, probe: once each


def test_the_fused_pass_and_rows_move_the_weights_alike(build, apart):
    fused = build(*SMALL)
    rows = build(*SMALL, "probe=none", "combiner.row_weights=[1.0,1.0000001]")
    assert not fused.learner.rules["update"].takes_rows
    assert rows.learner.rules["update"].takes_rows
    (start, by_fused, *_), _, _ = apart
    before, after, by_rows = (
        np.concatenate([w.ravel() for w in weights]) for weights in (start, by_fused, trained(rows, 1)[0])
    )
    # Sixteen updates in float32; Adam divides by the gradient's size, so entries near rounding may move differently.
    assert np.linalg.norm(after - by_rows) < 1e-3 * np.linalg.norm(after - before)


def test_copies_move_by_their_schedules_alone(build):
    experiment = build(
        *SMALL, "probe=none", "frozen=target_hard", "frozen.target.every_updates=24", "agent.bootstrap.of=target"
    )
    start = weights_of(experiment)
    programs = experiment.programs(probe_every=10)
    programs.iterate(1)
    after_one = weights_of(experiment)
    programs.iterate(1)
    frozen = experiment.variables.frozen
    behaviour = [v for part in experiment.variables.weights for v in frozen["behaviour"].weights[part]]
    for copy, live in zip(behaviour, after_one, strict=True):
        np.testing.assert_array_equal(copy, live)  # a snapshot of the second iteration's start
        assert not copy.trainable
    for copy, old in zip(
        (v for part in experiment.variables.weights for v in frozen["anchor"].weights[part]), start, strict=True
    ):
        np.testing.assert_array_equal(copy.numpy(), old)
    assert float(frozen["behaviour"].age) == 16.0
    assert float(frozen["anchor"].age) == 32.0
    assert float(frozen["target"].age) == 8.0  # copied after update 24 of 32


def test_delayed_gradients_are_taken_at_the_behaviour_copy(build):
    """At the behaviour copy every ratio is 1, so nothing is ever clipped and the KL stays 0; the weights move."""
    experiment = build(*SMALL, "probe=none", "agent.differentiate_at=behaviour", "combiner=pcgrad")
    before = weights_of(experiment)
    after, numbers, _ = trained(experiment, 2)
    # exp and log of equal logits cancel to float32 rounding.
    np.testing.assert_allclose(numbers["policy/kl"], 0.0, atol=1e-6)
    np.testing.assert_array_equal(numbers["policy/clip_fraction"], 0.0)
    assert min(np.abs(a - b).max() for a, b in zip(before, after, strict=True)) > 0


def learnt_once(experiment):
    """The metrics of an iteration in eager mode."""
    learner, state = experiment.learner, read(experiment.variables)
    return learn(learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))[1]


def test_a_kl_limit_leaves_out_the_rest_of_the_updates(build):
    fast = (*SMALL, "probe=none", "optimizer.learning_rate=0.01")
    free, held = (learnt_once(build(*fast, *limit))["update/count"] for limit in ([], ["agent.target_kl=0.001"]))
    assert free == 16
    assert 1 <= held < 16


def test_an_update_that_is_not_finite_is_not_applied_and_ends_the_iterations(build):
    experiment = build(*SMALL)
    experiment.variables.weights["value"][0].assign_add(tf.fill((8, 1), 1e38))
    before = {name: v.numpy() for name, v in named_variables(experiment.variables).items()}
    chunk = experiment.programs(probe_every=3).iterate(5)
    assert chunk.metrics["bad_update"].tolist() == [0.0]
    moved = {
        name for name, v in named_variables(experiment.variables).items() if not np.array_equal(v.numpy(), before[name])
    }
    assert moved <= {"environment", "observation"}


@pytest.mark.parametrize("shared", [True, False])
def test_findings_agree_with_a_brute_force_twin(build, shared):
    """The chain, taken apart by hand with NumPy from the rows of the replayed minibatch."""
    choice = ("network.shared=true", "combiner=imtl_g") if shared else ("network.shared=false",)
    experiment = build(*SMALL, *choice)
    learner, state = experiment.learner, read(experiment.variables)
    state, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    prober = Prober(learner, experiment.prober.probes, num_samples=8)
    found = prober(state, trajectory).numbers
    played = replay(learner, state, trajectory)
    minibatch = played.minibatch(0)
    rows = {name: onto_live(row) for name, row in rows_of(learner, minibatch).gradients.items()}
    torso = {"policy": "torso", "value": "torso"} if shared else {"policy": "policy_torso", "value": "value_torso"}
    flat = {n: np.concatenate([g.numpy().ravel() for g in rows[n][torso[n]]]).astype(np.float64) for n in torso}
    for name, row in flat.items():
        # Float32 sums over some hundred terms.
        np.testing.assert_allclose(found[f"gradient/norm/{name}"], np.linalg.norm(row), rtol=1e-5)
    if not shared:
        assert not [tag for tag in found if "cosine" in tag or "share" in tag]
        return
    cosine = flat["policy"] @ flat["value"] / np.linalg.norm(flat["policy"]) / np.linalg.norm(flat["value"])
    np.testing.assert_allclose(found["gradient/cosine/policy-value"], cosine, atol=1e-5)
    step = played.propose(minibatch).step
    applied = np.concatenate([d.numpy().ravel() for d in step.delta["torso"]]).astype(np.float64)
    entropy = np.concatenate([g.numpy().ravel() for g in rows["entropy"]["torso"]]).astype(np.float64)
    changes = {"policy": flat["policy"] @ applied, "value": flat["value"] @ applied, "entropy": entropy @ applied}
    weighted = {"policy": changes["policy"], "value": 0.5 * changes["value"], "entropy": 0.01 * changes["entropy"]}
    total = sum(abs(x) for x in weighted.values())
    for name, change in changes.items():
        np.testing.assert_allclose(found[f"update/change/{name}"], change, rtol=1e-3, atol=1e-9)
        np.testing.assert_allclose(found[f"update/share/{name}"], weighted[name] / total, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found["update/applied_norm"], np.linalg.norm(applied), rtol=1e-5)
