"""Rows: one objective at a time, from the weights that were named and no others."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import LeakError, watched_rows, weight_names
from rl.gradients.audit import audit, check_audit
from rl.gradients.objective import Objective


@pytest.fixture
def weights():
    return {
        "torso": (tf.Variable([[1.0, 2.0], [0.5, -1.0]], name="torso/dense_0/kernel"),),
        "a": (tf.Variable([3.0, 1.0], name="a/kernel"),),
        "b": (tf.Variable([-1.0, 2.0], name="b/kernel"),),
    }


def two_losses(x):
    """With h = x K: loss a is h·a, loss b is ½ (h·b)²."""

    def losses(weights):
        h = tf.linalg.matvec(weights["torso"][0], x, transpose_a=True)
        return {
            "a": tf.reduce_sum(h * weights["a"][0]),
            "b": 0.5 * tf.reduce_sum(h * weights["b"][0]) ** 2,
        }, h

    return losses


READS = {"a": ("torso", "a"), "b": ("torso", "b")}


def test_rows_by_hand(weights):
    """x = (1, 2): h = (1 + 1, 2 − 2) = (2, 0); h·b = −2. d a/dK = x aᵀ, d b/dK = (h·b) x bᵀ, d b/db = (h·b) h."""
    x = tf.constant([1.0, 2.0])
    rows = watched_rows(two_losses(x), weights, READS)
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
    rows = watched_rows(losses, weights, READS)
    kernel = weights["torso"][0].numpy()
    for objective in READS:
        for index in np.ndindex(kernel.shape):
            nudge = np.zeros_like(kernel)
            nudge[index] = step
            ahead = losses({**weights, "torso": (tf.constant(kernel + nudge),)})[0][objective]
            behind = losses({**weights, "torso": (tf.constant(kernel - nudge),)})[0][objective]
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
    rows, same = watched_rows(losses, weights, READS), watched_rows(losses, other, READS)
    np.testing.assert_array_equal(rows.gradients["b"]["torso"][0], same.gradients["b"]["torso"][0])


def test_an_undeclared_dependence_is_named(weights):
    with pytest.raises(LeakError, match="'a' leaks into 'torso/dense_0/kernel'"):
        watched_rows(two_losses(tf.ones(2)), weights, {"a": ("a",), "b": ("torso", "b")})


def test_a_missing_dependence_is_named(weights):
    with pytest.raises(LeakError, match="'a' has no gradient with respect to 'b/kernel'"):
        watched_rows(two_losses(tf.ones(2)), weights, {"a": ("torso", "a", "b"), "b": ("torso", "b")})


def test_an_undeclared_objective_is_named(weights):
    with pytest.raises(LeakError, match="objectives"):
        watched_rows(two_losses(tf.ones(2)), weights, {"a": ("torso", "a")})


def test_a_stop_gradient_before_a_head_shows_in_the_audit(weights):
    def losses(w):
        h = tf.linalg.matvec(w["torso"][0], tf.ones(2), transpose_a=True)
        return {"a": tf.reduce_sum(h * w["a"][0]), "b": tf.reduce_sum(tf.stop_gradient(h) * w["b"][0])}, None

    names = weight_names(weights)
    table = audit(losses, weights, names)
    assert table["a"] == {"torso/dense_0/kernel": "non-zero", "a/kernel": "non-zero", "b/kernel": "none"}
    assert table["b"] == {"torso/dense_0/kernel": "none", "a/kernel": "none", "b/kernel": "non-zero"}
    check_audit(table, [Objective("a", 1.0, ("torso", "a")), Objective("b", 1.0, ("b",))], names)
    with pytest.raises(LeakError, match="'b' does not reach 'torso/dense_0/kernel'"):
        check_audit(table, [Objective("b", 1.0, ("torso", "b"))], names)


def test_a_path_whose_gradient_vanishes_is_zero_and_not_none(weights):
    def losses(w):
        return {"a": tf.reduce_sum(0.0 * w["a"][0])}, None

    assert audit(losses, weights, weight_names(weights))["a"]["a/kernel"] == "zero"
