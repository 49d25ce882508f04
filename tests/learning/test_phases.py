"""Phases and updates: which are executed when, on which data, and what follows them."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients.rows import LeakError
from rl.learning.collecting import collect
from rl.learning.learn import learn
from rl.learning.programs import Programs
from rl.learning.state import named_variables, read

SMALL = (
    "agent=a2c",
    "agent._target_=two_phases.TwoPhases",
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=4",
    "network.torso.widths=[8]",
    "probe=none",
    "steps=2000",
)


def iterated(experiment, count):
    """The metrics of each iteration, and the names and values of all variables after it."""
    programs, metrics, after = experiment.programs(probe_every=10), [], []
    for _ in range(count):
        metrics.append({tag: x[0] for tag, x in programs.iterate(1).metrics.items()})
        after.append({name: v.numpy() for name, v in named_variables(experiment.variables).items()})
    return metrics, after


@pytest.fixture(scope="module")
def one(lending):
    with lending() as build:
        return iterated(build(*SMALL), 7)


def test_a_phase_is_executed_in_its_iterations_and_an_update_in_its_rounds(one):
    """Four rounds each third iteration: `fit` in all of them, `keep` in rounds 0 and 2."""
    metrics, after = one
    assert [int(x["updates/update"]) for x in after] == [1, 2, 3, 4, 5, 6, 7]
    assert [int(x["updates/fit"]) for x in after] == [0, 0, 4, 4, 4, 8, 8]
    assert [int(x["updates/keep"]) for x in after] == [0, 0, 2, 2, 2, 4, 4]
    for iteration, numbers in enumerate(metrics):
        due = iteration in (2, 5)
        for tag in ("objective/fit", "objective/keep", "second/kept", "update/count/fit", "update/gradient_norm/keep"):
            assert np.isnan(numbers[tag]) != due, (iteration, tag)
        assert np.isfinite(numbers["objective/policy"])
    assert (metrics[2]["update/count/fit"], metrics[2]["update/count/keep"]) == (4, 2)


def test_weights_that_only_the_second_phase_could_move_stand_still_without_it(build, one):
    """The first two iterations are those of an agent whose second phase is never due."""
    _, after = one
    _, never = iterated(build(*SMALL, "+agent.iterations=100"), 3)
    weights = [name for name in never[0] if name.split("/")[0] in ("torso", "value", "policy")]
    for iteration, same in ((0, True), (1, True), (2, False)):
        equal = [np.array_equal(after[iteration][name], never[iteration][name]) for name in weights]
        assert all(equal) == same


def test_the_source_keeps_what_the_first_phase_prepared(one):
    """Three iterations of 16 samples: the newest in the place of iteration mod 3, zeros where there is none yet."""
    metrics, after = one
    kept = [x["sources/second/observation"] for x in after]
    assert kept[0].shape == (3, 16, 4)
    assert not kept[0][1:].any()
    np.testing.assert_array_equal(kept[1][0], kept[0][0])
    assert kept[1][1].any()
    np.testing.assert_array_equal(kept[3][1:], kept[2][1:])
    assert np.abs(kept[3][0] - kept[2][0]).max() > 0
    assert metrics[2]["second/kept"] == 48
    np.testing.assert_allclose(metrics[2]["second/target"], after[2]["sources/second/target"].mean(), rtol=1e-5)


def test_several_runs_execute_it_as_often_as_one_and_each_as_if_alone(build, one):
    metrics, after = one
    many = build(*SMALL, "seeds=2")
    together, states = iterated(many, 3)
    assert [list(x["updates/fit"]) for x in states] == [[0, 0], [0, 0], [4, 4]]
    assert [list(x["updates/keep"]) for x in states] == [[0, 0], [0, 0], [2, 2]]
    assert [int(x["iteration"]) for x in states] == [1, 2, 3]
    for name, x in after[2].items():
        if x.dtype == np.float32 and not name.startswith("environment"):
            np.testing.assert_allclose(states[2][name][0], x, rtol=1e-3, atol=1e-5, err_msg=name)
    for tag in ("objective/fit", "objective/keep", "second/kept"):
        np.testing.assert_allclose([x[tag][0] for x in together], [x[tag] for x in metrics[:3]], rtol=1e-4)


def test_what_is_due_is_asked_once_for_all_runs(build):
    """A predicate of several runs would become a choice between both branches; a branch of the graph is one `If`."""
    experiment = build(*SMALL, "seeds=2")
    learner, state = experiment.learner, read(experiment.variables)

    def iterate(state):
        return learn(learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))[1]

    graph = tf.function(iterate, autograph=False).get_concrete_function(state).graph
    branches = [op for op in graph.get_operations() if op.type in ("If", "StatelessIf")]
    assert [op.inputs[0].shape.rank for op in branches] == [0]


def test_every_update_of_every_phase_is_audited(build):
    table = build(*SMALL).audit()
    assert list(table) == ["update", "fit", "keep"]
    assert table["fit"]["fit"]["value/linear/kernel"] == "non-zero"
    assert table["fit"]["fit"]["policy/logits/kernel"] == "none"
    with pytest.raises(LeakError, match=r"objective 'fit' (leaks into|does not reach)"):
        build(*SMALL, "+agent.leak=true").audit()


def test_a_loss_of_the_second_phase_that_is_not_finite_is_found(build):
    from rl.instruments.diagnosis import diagnose

    experiment = build(*SMALL)
    learner = experiment.learner
    experiment.programs(probe_every=10).iterate(2)
    kept = experiment.variables.sources["second"].target
    kept.assign(kept + 1e38)
    state = read(experiment.variables)
    before, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    after, metrics = learn(learner, before, trajectory)
    assert int(metrics["bad_update"]) == 1  # after the only round of the first phase
    assert int(after.iteration) == 2
    np.testing.assert_array_equal(after.weights["torso"][0], state.weights["torso"][0])
    fault = diagnose(learner, before, trajectory, 1)
    assert str(fault) == "the loss of objective 'fit' is not finite at update 4"


COPIES = (
    *SMALL,
    "+frozen.target={_target_:rl.frozen.Hard,every_updates:3,after:fit}",
    "probe.names=[staleness]",
    "agent.differentiate_at=live",
    "+frozen.kept={_target_:rl.frozen.Snapshot,before:second}",
)


def test_a_copy_follows_the_update_and_the_phase_that_it_names(build):
    """`target` counts the fits alone; `kept` is taken before the second phase, and counts all updates since."""
    experiment = build(*COPIES)
    _, after = iterated(experiment, 4)
    assert [float(x["frozen/target/age"]) for x in after] == [0, 0, 1, 1]
    assert [float(x["frozen/kept/age"]) for x in after] == [1, 2, 6, 7]
    start = after[2]["frozen/kept/torso/dense_0/kernel"]
    assert np.abs(start - after[2]["torso/dense_0/kernel"]).max() > 0
    np.testing.assert_array_equal(after[3]["frozen/kept/torso/dense_0/kernel"], start)


def test_a_replay_meets_the_copy_that_is_taken_before_its_phase(build):
    """Five iterations on, `kept` is an old copy; before the second phase it is the live weights again."""
    from rl.instruments.replay import replay

    experiment = build(*COPIES)
    experiment.programs(probe_every=10).iterate(5)
    learner, state = experiment.learner, read(experiment.variables)
    before, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    live, old = before.weights["torso"][0].numpy(), before.frozen["kept"].weights["torso"][0].numpy()
    assert np.abs(live - old).max() > 0
    for update, met in (("update", old), ("fit", live), ("keep", live)):
        minibatch = replay(learner, before, trajectory, update).minibatch(0)
        np.testing.assert_array_equal(minibatch.roles["kept"]["torso"][0], met)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+frozen.target={_target_:rl.frozen.Hard,every_updates:3,after:fitt}", "frozen.target.after is 'fitt'"),
        ("+frozen.kept={_target_:rl.frozen.Snapshot,before:third}", "frozen.kept.before is 'third'"),
    ],
)
def test_a_copy_that_follows_what_is_not_there_is_refused(build, override, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, "probe.names=[staleness]", override)


def test_the_rows_of_all_updates_lie_beside_one_another(build):
    """Each on its own phase's minibatch, at the weights before the iteration; the twin takes them one by one."""
    from rl.gradients import onto_live
    from rl.instruments.replay import replay, rows_of

    probes = ["norms", "cosines", "conflict", "chain", "attribution", "noise", "update_ratio", "cross_batch"]
    experiment = build(*SMALL, f"probe.names=[{','.join(probes)}]", "combiner=pcgrad")
    prober, learner = experiment.prober, experiment.learner
    assert prober.legend.objectives == ("policy", "value", "entropy", "fit", "keep")
    assert prober.legend.extra_rows == ("combined", "clipped", "applied", "applied/fit", "applied/keep")
    assert prober.legend.leads == ("policy", "value", "fit", "keep")
    assert learner.shared == ("torso",)
    assert [rule.takes_rows for rule in learner.rules.values()] == [True, False, False]
    Programs(learner, experiment.variables, prober=None, probe_every=10).iterate(4)
    state = read(experiment.variables)
    before, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    numbers, matrix, rows = prober(before, trajectory)
    taken = {}
    for name, objectives in (("update", ("policy", "value", "entropy")), ("fit", ("fit",)), ("keep", ("keep",))):
        played = replay(learner, before, trajectory, name)
        found = rows_of(played.learner, played.minibatch(0)).gradients
        for objective in objectives:
            taken[objective] = np.concatenate([x.numpy().ravel() for x in onto_live(found[objective])["torso"]])
    assert list(rows) == list(taken)
    for a, one in taken.items():
        np.testing.assert_allclose(rows[a], one, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(numbers[f"gradient/norm/{a}"], np.linalg.norm(one), rtol=1e-5)
    stacked = np.stack(list(taken.values())).astype(float)
    np.testing.assert_allclose(matrix[:, :5, :5].numpy().sum(0), stacked @ stacked.T, rtol=1e-4, atol=1e-9)
    cosine = taken["value"] @ taken["fit"] / np.linalg.norm(taken["value"]) / np.linalg.norm(taken["fit"])
    np.testing.assert_allclose(numbers["gradient/cosine/value-fit"], cosine, atol=1e-5)
    assert "gradient/cosine/fit-keep/torso/dense_0" in numbers
    assert {"update/applied_norm", "update/applied_norm/fit", "update/applied_norm/keep"} <= set(numbers)
    assert "update/share/fit" in numbers and "gradient/noise/keep/trace" in numbers
    assert not [tag for tag in numbers if tag.endswith("fit/fit")]
    # The step of `fit` lowers the loss of `fit`.
    assert float(numbers["update/change/fit"]) < 0


def test_two_objectives_of_an_agent_have_two_names(build, monkeypatch):
    """Tags and rows go by names: an objective of another update would take the place of the first."""
    import two_phases

    own = two_phases.TwoPhases.phases

    def phases(self, model, environment):
        first, second = own(self, model, environment)
        fit, keep = second.updates
        again = fit._replace(objectives=(fit.objectives[0]._replace(name="value"),), groups={"fit": ("value",)})
        return first, second._replace(updates=(again, keep))

    monkeypatch.setattr(two_phases.TwoPhases, "phases", phases)
    with pytest.raises(ValueError, match="two objectives of the agent are called value"):
        build(*SMALL)
