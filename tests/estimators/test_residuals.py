"""The family −δ ∇v(s) + γ κ ∇v̄(s'): numbers and gradients by hand, and no leak into anything else."""

import numpy as np
import pytest
import tensorflow as tf

from rl.estimators import gradient_correction_loss, residual_loss, td_error

# δ = r + γ v' − v: 1 + 0.5·2 − 3 = −1; terminated, 2 + 0·7 − 1 = 1.
V, REWARD, DISCOUNT, SUCCESSOR = ([3.0, 1.0], [1.0, 2.0], [0.5, 0.0], [2.0, 7.0])


def gradients(loss):
    tensors = [tf.constant(x) for x in (V, REWARD, DISCOUNT, SUCCESSOR)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = loss(*tensors)
    return value.numpy(), tape.gradient(value, tensors)


def test_the_td_error_by_hand():
    np.testing.assert_allclose(td_error(*map(tf.constant, (V, REWARD, DISCOUNT, SUCCESSOR))), [-1.0, 1.0])


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_residual_loss_has_the_number_of_half_the_squared_error_and_eta_times_the_successors_gradient(eta):
    value, (at_v, reward, discount, at_successor) = gradients(lambda *x: residual_loss(*x, eta=eta))
    np.testing.assert_allclose(value, [0.5, 0.5])
    np.testing.assert_allclose(at_v, [1.0, -1.0])  # −δ
    np.testing.assert_allclose(at_successor, [eta * 0.5 * -1.0, 0.0])  # η γ δ, masked where terminated
    assert reward is None
    assert discount is None


def test_gradient_correction_sends_gamma_h_to_the_successor_and_nothing_to_h():
    h = tf.Variable([0.25, 4.0])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(gradient_correction_loss(*map(tf.constant, (V, REWARD, DISCOUNT, SUCCESSOR)), h))
    assert tape.gradient(value, h) is None
    value, (at_v, _, _, at_successor) = gradients(lambda *x: gradient_correction_loss(*x, tf.constant([0.25, 4.0])))
    np.testing.assert_allclose(value, [0.5, 0.5])
    np.testing.assert_allclose(at_v, [1.0, -1.0])
    np.testing.assert_allclose(at_successor, [0.5 * 0.25, 0.0])


def test_with_eta_1_it_is_the_gradient_of_the_squared_error_itself():
    _, (at_v, _, _, at_successor) = gradients(lambda *x: residual_loss(*x, eta=1.0))
    _, (whole_v, _, _, whole_successor) = gradients(lambda v, r, g, s: 0.5 * tf.square(r + g * s - v))
    np.testing.assert_array_equal(at_v, whole_v)
    np.testing.assert_array_equal(at_successor, whole_successor)


def test_the_second_derivative_in_v_is_that_of_half_the_squared_error():
    for loss in (residual_loss, lambda *x, eta: gradient_correction_loss(*x, tf.fill([2], eta))):
        v = tf.constant(V)
        with tf.GradientTape() as outer:
            outer.watch(v)
            with tf.GradientTape() as inner:
                inner.watch(v)
                value = tf.reduce_sum(loss(v, *map(tf.constant, (REWARD, DISCOUNT, SUCCESSOR)), eta=0.5))
            slope = inner.gradient(value, v)
        np.testing.assert_allclose(outer.gradient(slope, v), [1.0, 1.0])
