"""Rows: the gradient of one objective at a time, with respect to the watched weights alone."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, At, LeakError, Objective, onto_live, watched_rows
from rl.gradients.audit import audit, check_audit


@pytest.fixture
def weights():
    return {
        "torso": (tf.Variable([[1.0, 2.0], [0.5, -1.0]], name="torso/dense_0/kernel"),),
        "a": (tf.Variable([3.0, 1.0], name="a/kernel"),),
        "b": (tf.Variable([-1.0, 2.0], name="b/kernel"),),
    }


def two_losses(x):
    """With h = x K: loss a is h·a, loss b is ½ (h·b)²."""

    def losses(roles):
        weights = roles[LIVE]
        h = tf.linalg.matvec(weights["torso"][0], x, transpose_a=True)
        return {
            "a": tf.reduce_sum(h * weights["a"][0]),
            "b": 0.5 * tf.reduce_sum(h * weights["b"][0]) ** 2,
        }, h

    return losses


def live(*parts):
    return tuple(At(LIVE, part) for part in parts)


def rows_of(losses, weights, reads):
    """The rows, with their gradients at the live weights as {objective: {part: gradient}}."""
    rows = watched_rows(losses, {LIVE: weights}, {name: live(*parts) for name, parts in reads.items()})
    return rows._replace(gradients={name: onto_live(row) for name, row in rows.gradients.items()})


READS = {"a": ("torso", "a"), "b": ("torso", "b")}


def test_rows_by_hand(weights):
    """x = (1, 2): h = (1 + 1, 2 − 2) = (2, 0); h·b = −2. d a/dK = x aᵀ, d b/dK = (h·b) x bᵀ, d b/db = (h·b) h."""
    x = tf.constant([1.0, 2.0])
    rows = rows_of(two_losses(x), weights, READS)
    np.testing.assert_array_equal(rows.gradients["a"]["torso"][0], [[3, 1], [6, 2]])
    np.testing.assert_array_equal(rows.gradients["b"]["torso"][0], [[2, -4], [4, -8]])
    np.testing.assert_array_equal(rows.gradients["a"]["a"][0], [2, 0])
    np.testing.assert_array_equal(rows.gradients["b"]["b"][0], [-4, 0])
    assert {name: float(loss) for name, loss in rows.losses.items()} == {"a": 6.0, "b": 2.0}
    assert "b" not in rows.gradients["a"]
    np.testing.assert_array_equal(rows.auxiliary, [2, 0])


def test_rows_equal_central_differences(weights):
    """The losses are at most quadratic in K, so a central difference is exact but for float32 rounding of about
    1e-3."""
    losses, step = two_losses(tf.constant([1.0, 2.0])), 1e-2
    rows = rows_of(losses, weights, READS)
    kernel = weights["torso"][0].numpy()
    for objective in READS:
        for index in np.ndindex(kernel.shape):
            nudge = np.zeros_like(kernel)
            nudge[index] = step
            ahead = losses({LIVE: {**weights, "torso": (tf.constant(kernel + nudge),)}})[0][objective]
            behind = losses({LIVE: {**weights, "torso": (tf.constant(kernel - nudge),)}})[0][objective]
            difference = (ahead - behind) / (2 * step)
            np.testing.assert_allclose(rows.gradients[objective]["torso"][0][index], difference, atol=2e-3)


@pytest.mark.parametrize("kind", ["variables", "frozen", "tensors"])
def test_variables_frozen_variables_and_tensors_give_the_same_rows(weights, kind):
    make = {
        "variables": lambda w: w,
        "frozen": lambda w: tf.Variable(w, trainable=False),
        "tensors": tf.convert_to_tensor,
    }[kind]
    other = {part: tuple(make(w) for w in tensors) for part, tensors in weights.items()}
    losses = two_losses(tf.constant([1.0, 2.0]))
    rows, same = rows_of(losses, weights, READS), rows_of(losses, other, READS)
    np.testing.assert_array_equal(rows.gradients["b"]["torso"][0], same.gradients["b"]["torso"][0])


def test_an_undeclared_dependence_is_named(weights):
    with pytest.raises(LeakError, match="'a' leaks into 'torso/dense_0/kernel'"):
        rows_of(two_losses(tf.ones(2)), weights, {"a": ("a",), "b": ("torso", "b")})


def test_a_missing_dependence_is_named(weights):
    with pytest.raises(LeakError, match="'a' has no gradient with respect to 'b/kernel'"):
        rows_of(two_losses(tf.ones(2)), weights, {"a": ("torso", "a", "b"), "b": ("torso", "b")})


def test_an_undeclared_objective_is_named(weights):
    with pytest.raises(LeakError, match="objectives"):
        rows_of(two_losses(tf.ones(2)), weights, {"a": ("torso", "a")})


def test_a_loss_that_is_no_scalar_is_refused(weights):
    """TensorFlow would differentiate its sum."""

    def losses(roles):
        return {"a": roles[LIVE]["a"][0] ** 2}, None

    for rows in (lambda: watched_rows(losses, {LIVE: weights}, None), lambda: audit(losses, {LIVE: weights}, {})):
        with pytest.raises(ConfigError, match=r"objective 'a' returns a loss of shape \(2,\); it must be a scalar"):
            rows()


def test_a_stop_gradient_before_a_head_shows_in_the_audit(weights):
    def losses(roles):
        w = roles[LIVE]
        h = tf.linalg.matvec(w["torso"][0], tf.ones(2), transpose_a=True)
        return {"a": tf.reduce_sum(h * w["a"][0]), "b": tf.reduce_sum(tf.stop_gradient(h) * w["b"][0])}, None

    table = audit(losses, {LIVE: weights}, {})
    assert table["a"] == {"torso/dense_0/kernel": "non-zero", "a/kernel": "non-zero", "b/kernel": "none"}
    assert table["b"] == {"torso/dense_0/kernel": "none", "a/kernel": "none", "b/kernel": "non-zero"}
    objectives = [Objective("a", 1.0, {LIVE: ("torso", "a")}), Objective("b", 1.0, {LIVE: ("b",)})]
    check_audit(table, objectives, {LIVE: weights}, {})
    with pytest.raises(LeakError, match="'b' does not reach 'torso/dense_0/kernel'"):
        check_audit(table, [Objective("b", 1.0, {LIVE: ("torso", "b")})], {LIVE: weights}, {})


def test_a_path_whose_gradient_vanishes_is_zero_and_not_none(weights):
    def losses(roles):
        return {"a": tf.reduce_sum(0.0 * roles[LIVE]["a"][0])}, None

    assert audit(losses, {LIVE: weights}, {})["a"]["a/kernel"] == "zero"


def test_a_row_of_a_sum_is_the_sum_of_the_rows(weights):
    """2 a − ½ b, whose row is 2 · (row of a) − ½ · (row of b)."""
    losses = two_losses(tf.constant([1.0, 2.0]))
    apart = rows_of(losses, weights, READS)
    both = live("torso", "a", "b")
    rows = watched_rows(losses, {LIVE: weights}, {"both": both}, sums={"both": {"a": 2.0, "b": -0.5}})
    together = onto_live(rows.gradients["both"])
    expected = 2 * apart.gradients["a"]["torso"][0] - 0.5 * apart.gradients["b"]["torso"][0]
    np.testing.assert_array_equal(together["torso"][0], expected)
    assert float(rows.sums["both"]) == 2 * 6.0 - 0.5 * 2.0
    assert {name: float(loss) for name, loss in rows.losses.items()} == {"a": 6.0, "b": 2.0}


def test_gradients_at_a_copy_are_apart_from_those_at_the_live_weights(weights):
    """Loss ½ (w̄ · w)² of the live w = b and its copy w̄, here the very same variable: each is differentiated alone."""

    def losses(roles):
        return {"a": 0.5 * tf.reduce_sum(roles["target"]["b"][0] * roles[LIVE]["b"][0]) ** 2}, None

    roles = {LIVE: {"b": weights["b"]}, "target": {"b": weights["b"]}}
    reads = {"a": (At(LIVE, "b"), At("target", "b"))}
    row = watched_rows(losses, roles, reads, watch=(LIVE, "target")).gradients["a"]
    np.testing.assert_array_equal(row[At(LIVE, "b")][0], 5 * weights["b"][0])
    np.testing.assert_array_equal(row[At("target", "b")][0], 5 * weights["b"][0])
    np.testing.assert_array_equal(onto_live(row)["b"][0], 10 * weights["b"][0])
    with pytest.raises(LeakError, match="'a' leaks into 'target/b/0'"):
        watched_rows(losses, roles, {"a": (At(LIVE, "b"),)}, watch=(LIVE, "target"))


def test_without_declarations_a_row_has_the_places_that_it_reaches(weights):
    """The same gradients as with declarations, and no error for a part that only one loss reads."""
    losses = two_losses(tf.constant([1.0, -2.0]))
    found = watched_rows(losses, {LIVE: weights}, None).gradients
    assert {name: set(row) for name, row in found.items()} == {"a": {*live("torso", "a")}, "b": {*live("torso", "b")}}
    declared = rows_of(losses, weights, READS).gradients
    for name, row in found.items():
        for place, (gradient,) in row.items():
            np.testing.assert_array_equal(gradient, declared[name][place.part][0])
