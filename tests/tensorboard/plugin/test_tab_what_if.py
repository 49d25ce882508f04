"""What combiners would have chosen: against the combiners called moment by moment, and against their guarantees."""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from gramian_logs import gramians, legend
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import views, what_if
from rl.tensorboard.plugin.source import Series

MOMENTS = 3
SCOPES = ("global", "layer")
NAMES = tuple(what_if.rules("global"))
THREE = Legend(
    layers=("a", "b"),
    sizes=(8, 8),
    objectives=("policy", "value", "entropy", "future"),
    extra_rows=("combined",),
    coefficients=(1.0, 0.5, 0.01, -2.0),
    groups={"actor": ("policy", "entropy"), "critic": ("value",), "model": ("future",)},
    combiner="Sum",
)
LEGENDS = {"two groups": legend(layers=2), "three groups": THREE}


class Asked(NamedTuple):
    """Moments, and what every combiner would have chosen there."""

    of: Legend
    scope: str
    steps: np.ndarray
    arrays: np.ndarray
    every: dict[str, what_if.Choices]


def ask(of, scope, arrays, first_step=2**33):
    steps = first_step + 1000 * np.arange(len(arrays))
    return Asked(of, scope, steps, arrays, what_if.choices(steps, arrays, of, scope))


@pytest.fixture(scope="module", params=list(itertools.product(SCOPES, LEGENDS)), ids=" ".join)
def asked(request):
    scope, groups = request.param
    of = LEGENDS[groups]
    return ask(of, scope, gramians(of, MOMENTS, seed=4, width=6))


def grouped(asked):
    """The groups' Gramians [T, L, k, k], with L = 1 for scope global; a group's row is Σ_i c_i g_i."""
    m = len(asked.of.objectives)
    coefficients = dict(zip(asked.of.objectives, asked.of.coefficients, strict=True))
    assignment = [
        [coefficients[name] if name in names else 0.0 for name in asked.of.objectives]
        for names in asked.of.groups.values()
    ]
    found = np.array(assignment) @ asked.arrays[..., :m, :m] @ np.transpose(assignment)
    return found if asked.scope == "layer" else found.sum(1, keepdims=True)


def test_every_config_of_a_combiner_is_a_rule_with_its_settings(compose, root):
    files = {file.stem for file in (root / "configs" / "combiner").glob("[!_]*.yaml")}
    assert set(NAMES) == files - {"critics_only"}  # another name of value_only
    for name in NAMES:
        configured = instantiate(compose(f"combiner={name}").combiner)
        for scope in SCOPES:
            assert what_if.rules(scope)[name] == dataclasses.replace(configured, scope=scope)


@pytest.mark.parametrize("name", NAMES)
def test_choices_are_those_of_the_combiners_called_moment_by_moment(asked, name):
    combiner, matrices = what_if.rules(asked.scope)[name], grouped(asked)
    num_layers, k = matrices.shape[1:3]
    # Eagerly, but for Nash-MTL, whose hundreds of operations would take a second a moment.
    own = tf.function(combiner.weights, autograph=False) if name == "nash_mtl" else combiner.weights
    expected = np.empty((MOMENTS, num_layers, k))
    for layer in range(num_layers):
        state = combiner.init(k)
        for t, step in enumerate(asked.steps):
            seed = tf.constant([0, step % 2**32], tf.uint32)
            weights, state = own(tf.constant(matrices[t, layer]), tf.zeros(k), state, seed)
            expected[t, layer] = weights
    choice = asked.every[name]
    assert choice.row_weights.shape == (MOMENTS, 2, k)
    # Batched and single solvers round apart; rows of lengths 1 to 10 in six dimensions leave ten digits at the least.
    np.testing.assert_allclose(choice.row_weights, np.broadcast_to(expected, (MOMENTS, 2, k)), rtol=1e-9, atol=1e-12)


def test_weights_on_objectives_are_those_of_their_group_times_the_coefficient(asked):
    coefficients = dict(zip(asked.of.objectives, asked.of.coefficients, strict=True))
    for choice in asked.every.values():
        for g, names in enumerate(asked.of.groups.values()):
            for name in names:
                i = asked.of.objectives.index(name)
                expected = coefficients[name] * choice.row_weights[..., g]
                np.testing.assert_allclose(choice.weights[..., i], expected, rtol=1e-15, atol=1e-18)


def test_the_simple_rules_weights_by_hand(asked):
    k = len(asked.of.groups)
    for name, weights in {
        "sum": np.ones(k),
        "mean": np.full(k, 1 / k),
        "policy_only": np.eye(k)[0],
        "value_only": np.eye(k)[1],
    }.items():
        np.testing.assert_array_equal(asked.every[name].row_weights, np.broadcast_to(weights, (MOMENTS, 2, k)))


def test_combiners_with_a_state_carry_it_from_moment_to_moment():
    """Two equal moments: at the first, GradNorm moves its weights from 1 each, GradVac its φ from 0."""
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=())
    twice = ask(of, "global", np.tile(np.array([[1.0, -1.0], [-1.0, 64.0]]), (2, 1, 1, 1)))
    for name in ("gradnorm", "gradvac"):
        first, second = twice.every[name].row_weights[:, 0]
        assert not np.array_equal(first, second)
    for name in set(NAMES) - {"gradnorm", "gradvac", "random"}:
        first, second = twice.every[name].row_weights[:, 0]
        np.testing.assert_array_equal(first, second)


def test_random_choices_follow_from_the_step_alone():
    of, arrays = legend(layers=1), gramians(legend(layers=1), 4)
    whole = ask(of, "global", arrays, first_step=7000)
    later = ask(of, "global", arrays[2:], first_step=9000)
    for name in ("random", "pcgrad"):
        np.testing.assert_array_equal(whole.every[name].row_weights[2:], later.every[name].row_weights)
    assert len(set(whole.every["random"].row_weights[:, 0, 0])) == 4


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_moment_that_is_not_finite_changes_no_other(asked, number):
    broken = np.insert(asked.arrays, 1, gramians(asked.of, 1, seed=9), axis=0)
    broken[1, 1, 0, -1] = number
    steps = np.insert(asked.steps, 1, asked.steps[0] + 1)
    every = what_if.choices(steps, broken, asked.of, asked.scope)
    for name, choice in asked.every.items():
        found = every[name].row_weights
        assert np.isfinite(found).all()
        # The batch differs, and its sums may have another order.
        np.testing.assert_allclose(np.delete(found, 1, 0), choice.row_weights, rtol=1e-9, atol=1e-12, err_msg=name)
    cosines, lengths = what_if.cosines_with_rows(broken, every["sum"].weights, np.eye(len(asked.of.rows)))
    assert np.isfinite(np.delete(cosines, 1, 0)).all()
    assert np.isfinite(np.delete(lengths, 1)).all()


def test_a_rule_for_two_groups_is_left_out_where_there_is_one(monkeypatch):
    few = {name: what_if.rules("global")[name] for name in ("mean", "policy_only", "value_only")}  # the rest takes long
    monkeypatch.setattr(what_if, "rules", lambda scope: few)
    of = legend(layers=1, objectives=("policy",), extra_rows=())
    alone = ask(of, "global", gramians(of, 2))
    assert set(alone.every) == {"mean", "policy_only"}
    np.testing.assert_array_equal(alone.every["mean"].row_weights, np.ones((2, 1, 1)))


def explicit(seed, of, moments=1, size=6):
    """Rows [T, L, m, P] with norms from 1e-3 to 1e3, and their Gramians [T, L, m, m]."""
    random = np.random.default_rng(seed)
    lengths = 10.0 ** random.uniform(-3, 3, size=(moments, 1, len(of.objectives), 1))
    rows = lengths * random.normal(size=(moments, len(of.layers), len(of.objectives), size))
    return rows, rows @ rows.swapaxes(-1, -2)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("groups", LEGENDS)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_projections_and_mgda_hurt_no_group(scope, groups, seed):
    of = LEGENDS[groups]._replace(extra_rows=())
    rows, arrays = explicit(seed, of, moments=40)
    matrix = what_if.assignment(of)
    of_groups = np.einsum("gm,tlmp->tlgp", matrix, rows)
    every = what_if.choices(np.arange(40), arrays, of, scope)
    for name in ("upgrad", "dual_proj", "mgda"):
        direction = np.einsum("tlm,tlmp->tlp", every[name].weights, rows)
        inner = np.einsum("tlp,tlgp->tlg", direction, of_groups)
        terms = np.einsum("tlg,tlg->tl", np.abs(every[name].row_weights), np.linalg.norm(of_groups, axis=-1))
        scale = terms[..., None] * np.linalg.norm(of_groups, axis=-1)
        if scope == "global":
            inner, scale = inner.sum(1), scale.sum(1)
        # MGDA finds its minimum to the square root of the rounding.
        assert (inner >= -(1e-7 if name == "mgda" else 1e-10) * scale).all(), name


@pytest.mark.parametrize("groups", LEGENDS)
def test_cosines_with_rows_are_those_of_explicit_vectors(groups):
    of = LEGENDS[groups]
    random = np.random.default_rng(3)
    rows = random.normal(size=(5, 2, len(of.rows), 7))
    weights = random.normal(size=(5, 2, len(of.objectives)))
    held = random.normal(size=(4, len(of.rows)))
    cosines, lengths = what_if.cosines_with_rows(rows @ rows.swapaxes(-1, -2), weights, held)
    for t in range(5):
        flat = np.concatenate(list(rows[t]), -1)
        parts = [weights[t, l] @ rows[t, l, : len(of.objectives)] for l in range(2)]
        direction = np.concatenate(parts)
        assert lengths[t] == pytest.approx(np.linalg.norm(direction), rel=1e-12)
        for n in range(4):
            vector = held[n] @ flat
            expected = vector @ direction / np.linalg.norm(vector) / np.linalg.norm(direction)
            assert cosines[t, n] == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_sum_points_along_the_total_gradient():
    """Rows (1, 0) and (−3, 4) with coefficients 1 and ½: the sum is (−½, 2), of length √4.25."""
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=())
    rows = np.array([[1.0, 0.0], [-3.0, 4.0]])
    asked = ask(of, "global", (rows @ rows.T)[None, None])
    cosines, lengths = what_if.cosines_with_rows(asked.arrays, asked.every["sum"].weights, np.eye(2))
    assert lengths[0] == pytest.approx(np.sqrt(4.25), rel=1e-14)
    np.testing.assert_allclose(cosines[0], [-0.5 / np.sqrt(4.25), 9.5 / 5 / np.sqrt(4.25)], rtol=1e-14)


def test_the_answer_counts_how_often_a_step_would_have_hurt():
    """In two of three moments the rows conflict: the cosine of their sum with the policy's row is then negative."""
    of = legend(layers=1, objectives=("policy", "value"), extra_rows=(), combiner="PCGrad")
    conflict, agree = np.array([[1.0, -3.0], [-3.0, 16.0]]), np.array([[1.0, 3.0], [3.0, 16.0]])
    asked = ask(of, "global", np.array([[conflict], [agree], [conflict]]), first_step=1000)
    series = Series(of, asked.steps, asked.arrays, 0, 0)
    answer = views.alternatives(series, asked.every, 2000, "global")
    found = {one["name"]: one for one in answer["combiners"]}
    assert (answer["step"], answer["number"]) == (2000, 2)
    assert set(found) == set(NAMES)
    assert [name for name, one in found.items() if one["own"]] == ["pcgrad"]
    # Σ = p + ½v: Σ·p = 1 − 1.5 < 0, Σ·v = −3 + 8 > 0.
    np.testing.assert_allclose(found["sum"]["hurts"], [2 / 3, 0])
    np.testing.assert_allclose(found["sum"]["hurts_groups"], [2 / 3, 0])
    assert found["sum"]["hurts_any"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(found["policy_only"]["hurts"], [0, 2 / 3])
    for name in ("pcgrad", "upgrad", "dual_proj", "mgda"):
        np.testing.assert_array_equal(found[name]["hurts"], [0, 0])
    arrow = found["sum"]["arrow"][:2]
    np.testing.assert_allclose(arrow, answer["plane"][0, :2] + 0.5 * answer["plane"][1, :2], rtol=1e-12)
    per_layer = views.alternatives(series, what_if.choices(asked.steps, asked.arrays, of, "layer"), 2000, "layer")
    assert np.isnan([one["arrow"] for one in per_layer["combiners"]]).all()
    assert not np.isnan(per_layer["plane"]).any()


def test_the_runs_own_rule_has_the_runs_own_settings():
    only = legend(combiner="Only")._replace(settings={"scope": "global", "row": 1})
    assert what_if.own_rule(only) == "value_only"
    assert what_if.own_rule(only._replace(settings={"row": 0})) == "policy_only"
    near = legend(combiner="CAGrad")._replace(settings={"scope": "layer", "c": 0.9})
    assert what_if.own_rule(near) == "cagrad"
    assert what_if.rules_for(near, "global")["cagrad"].c == 0.9
    assert what_if.rules_for(near, "global")["cagrad"].scope == "global"
    assert what_if.rules_for(near._replace(settings={"c": "<b>"}), "global") == what_if.rules("global")
    assert what_if.own_rule(legend(combiner="somebody's")) is None
