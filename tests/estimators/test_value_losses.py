"""The value's losses: tables by hand, gradients equal to errors, and no gradient through a target."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators import clipped_value_loss, huber_value_loss, squared_value_loss

EPS = np.finfo(np.float32).eps
triples = st.integers(1, 6).flatmap(
    lambda n: hnp.arrays(np.float32, (3, n), elements=st.floats(-100, 100, width=32, allow_subnormal=False))
)
limits = st.floats(0.125, 50, width=32)
LOSSES = {
    "squared": squared_value_loss,
    "clipped": lambda v, target, v_old: clipped_value_loss(v, target, v_old, clip=0.5),
    "huber": lambda v, target: huber_value_loss(v, target, delta=0.5),
}


def gradients(loss, *arguments):
    """Gradients of the summed losses with respect to every argument; None where no gradient flows."""
    arguments = [tf.constant(argument, tf.float32) for argument in arguments]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        total = loss(*arguments)
    return tape.gradient(total, arguments)


def test_squared_loss_by_hand():
    """v − target = 2 and −3: ½·4, ½·9; the gradient is the error itself."""
    np.testing.assert_array_equal(squared_value_loss(tf.constant([3.0, 1.0]), tf.constant([1.0, 4.0])), [2.0, 4.5])
    np.testing.assert_array_equal(gradients(squared_value_loss, [3.0, 1.0], [1.0, 4.0])[0], [2.0, -3.0])


CLIP_TABLE = [  # v, target at v_old = 0, ε = ½: the loss, its gradient
    (0.25, 1.0, 0.28125, -0.75),  # within the clip: ½·(¾)²
    (2.0, 4.0, 6.125, 0.0),  # clipped to ½, which is farther from 4: ½·(3½)², and v has gone far enough
    (2.0, -1.0, 4.5, 3.0),  # clipped to ½, which is nearer to −1: the plain loss ½·3² holds
    (-2.0, -4.0, 6.125, 0.0),
    (2.0, 1.25, 0.28125, 0.75),  # ½ and 2 are equally far from 1¼: the plain loss
]


@pytest.mark.parametrize(("v", "target", "loss", "gradient"), CLIP_TABLE)
def test_clipped_loss_by_hand(v, target, loss, gradient):
    arguments = [v], [target], [0.0]
    np.testing.assert_array_equal(LOSSES["clipped"](*map(tf.constant, arguments)), [loss])
    np.testing.assert_array_equal(gradients(LOSSES["clipped"], *arguments)[0], [gradient])


HUBER_TABLE = [  # v − target at δ = ½: ½e², or ½(|e| − ¼) beyond; the gradient is e clipped to ±½
    (0.0, 0.0, 0.0),
    (0.25, 0.03125, 0.25),
    (-0.25, 0.03125, -0.25),
    (2.0, 0.875, 0.5),
    (-2.0, 0.875, -0.5),
]


@pytest.mark.parametrize(("error", "loss", "gradient"), HUBER_TABLE)
def test_huber_loss_by_hand(error, loss, gradient):
    arguments = [3.0 + error], [3.0]
    np.testing.assert_array_equal(LOSSES["huber"](*map(tf.constant, arguments)), [loss])
    np.testing.assert_array_equal(gradients(LOSSES["huber"], *arguments)[0], [gradient])


@pytest.mark.parametrize("name", list(LOSSES))
def test_no_gradient_reaches_the_target_or_the_old_value(name):
    arguments = ([0.25, 2.0, 2.0], [1.0, 4.0, -1.0], [0.0, 0.0, 0.0])[: 3 if name == "clipped" else 2]
    d_v, *others = gradients(LOSSES[name], *arguments)
    assert np.any(d_v)
    assert others == [None] * len(others)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(triples)
def test_the_gradient_of_the_squared_loss_is_v_less_target(triple):
    v, target, _ = triple
    np.testing.assert_array_equal(gradients(squared_value_loss, v, target)[0], v - target)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(triples, limits)
def test_the_gradient_of_hubers_loss_is_the_clipped_error(triple, delta):
    v, target, _ = triple
    gradient = gradients(lambda v, target: huber_value_loss(v, target, delta=delta), v, target)[0]
    np.testing.assert_array_equal(gradient, np.clip(v - target, np.float32(-delta), np.float32(delta)))


@pytest.mark.parametrize("delta", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("error", [1e-3, 1e-6])
def test_hubers_gradient_of_a_small_error_is_the_error_however_great_delta(error, delta):
    gradient = gradients(lambda v, target: huber_value_loss(v, target, delta=delta), [error], [0.0])[0]
    np.testing.assert_allclose(gradient, [np.float32(error)], rtol=4 * EPS)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(triples, limits)
def test_huber_lies_below_and_clipped_above_the_squared_loss(triple, limit):
    """Huber's by an inequality whose two sides are rounded twice; the clipped loss is a maximum, and never below."""
    v, target, v_old = map(tf.constant, triple)
    squared = squared_value_loss(v, target)
    assert np.all(huber_value_loss(v, target, delta=limit) <= squared * (1 + 4 * EPS))
    assert np.all(clipped_value_loss(v, target, v_old, clip=limit) >= squared)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(triples)
def test_limits_that_nothing_reaches_leave_the_squared_loss(triple):
    """|v − target| and |v − v_old| are at most 200. The detour v_old + (v − v_old) rounds twice, by at most 200 EPS."""
    v, target, v_old = map(tf.constant, triple)
    squared = squared_value_loss(v, target)
    np.testing.assert_array_equal(huber_value_loss(v, target, delta=200.0), squared)
    clipped = clipped_value_loss(v, target, v_old, clip=200.0)
    np.testing.assert_allclose(clipped, squared, rtol=4 * EPS, atol=200 * (2 * 200 * EPS))
