"""The linear recurrence against a loop, its gradients, and factors of exactly 0."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators.recurrence import linear_recurrence, reverse_linear_recurrence

EPS = np.finfo(np.float32).eps
MODES = {"eager": lambda f: f, "compiled": lambda f: tf.function(f, jit_compile=True, autograph=False)}


@pytest.fixture(params=list(MODES))
def solve(request):
    return MODES[request.param](reverse_linear_recurrence)


def loop(x, a, y):
    """The definition, in double precision."""
    x, a, y = (np.asarray(array, np.float64) for array in (x, a, y))
    result = np.zeros_like(x)
    for t in reversed(range(len(x))):
        y = result[t] = x[t] + a[t] * y
    return result


def assert_solves(solution, x, a, y):
    """k = ⌈log2(T + 1)⌉ doublings round x, a and their products once each: 3k roundings of the sum of magnitudes."""
    doublings = int(np.ceil(np.log2(len(x) + 1)))
    magnitude = loop(np.abs(x), np.abs(a), np.abs(y))
    error = np.abs(np.asarray(solution, np.float64) - loop(x, a, y))
    flushed = 1e5 * np.finfo(np.float32).tiny  # a product of factors too small for a float, times numbers below 10⁴
    assert np.all(error <= 3 * doublings * EPS * magnitude + flushed)


def numbers(rng, shape):
    return rng.normal(size=shape).astype(np.float32)


def test_by_hand(solve):
    """y_2 = 3 + 2·4 = 11; y_1 = 2 + 0·11 = 2; y_0 = 1 + ½·2 = 2."""
    y = solve(tf.constant([1.0, 2.0, 3.0]), tf.constant([0.5, 0.0, 2.0]), tf.constant(4.0))
    np.testing.assert_array_equal(y, [2.0, 2.0, 11.0])


def test_forward_by_hand():
    """y_0 = 1 + ½·4 = 3; y_1 = 2 + 0·3 = 2; y_2 = 3 + 2·2 = 7."""
    y = linear_recurrence(tf.constant([1.0, 2.0, 3.0]), tf.constant([0.5, 0.0, 2.0]), tf.constant(4.0))
    np.testing.assert_array_equal(y, [3.0, 2.0, 7.0])


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 31])
def test_equals_the_loop_at_lengths_around_powers_of_two(solve, length):
    rng = np.random.default_rng(length)
    x, a, y = numbers(rng, (length, 3, 2)), numbers(rng, (length, 3, 2)), numbers(rng, (3, 2))
    assert_solves(solve(x, a, tf.constant(y)), x, a, y)


finite = st.floats(-1e3, 1e3, width=32)
factors = st.one_of(st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1, 1, width=32))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_equals_the_loop_for_awkward_inputs(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
    x = data.draw(hnp.arrays(np.float32, shape, elements=finite))
    a = data.draw(hnp.arrays(np.float32, shape, elements=factors))
    y = data.draw(hnp.arrays(np.float32, shape[1:], elements=finite))
    assert_solves(reverse_linear_recurrence(tf.constant(x), tf.constant(a), tf.constant(y)), x, a, y)
    forward = linear_recurrence(tf.constant(x), tf.constant(a), tf.constant(y))
    assert_solves(forward.numpy()[::-1], x[::-1], a[::-1], y)


def test_a_factor_of_zero_cuts_exactly(solve):
    """a_4 = 0: neither numbers nor factors nor the end beyond step 4 change a single bit of y_0 … y_4."""
    rng = np.random.default_rng(0)
    x, a, y = numbers(rng, (11, 2)), numbers(rng, (11, 2)), numbers(rng, (2,))
    a[4] = 0.0
    before = solve(x, a, tf.constant(y))[:5].numpy()
    x[5:], a[5:] = 1e6 * numbers(rng, (6, 2)), 10 * numbers(rng, (6, 2))
    np.testing.assert_array_equal(solve(x, a, tf.constant(y + 1e6))[:5], before)


def test_two_halves_make_the_whole(solve):
    """The value at the middle is the end of the first half; both sides are within the loop's own bound."""
    rng = np.random.default_rng(1)
    x, a, y = numbers(rng, (8, 2)), numbers(rng, (8, 2)), numbers(rng, (2,))
    second = solve(x[4:], a[4:], tf.constant(y))
    first = solve(x[:4], a[:4], second[0])
    assert_solves(tf.concat([first, second], 0), x, a, y)


def test_gradients_by_hand(solve):
    """Of y_0: ∂/∂x_t = Π_{s<t} a_s, ∂/∂a_t = Π_{s<t} a_s · y_{t+1}, ∂/∂y_T = Π a.

    a = (2, 3, ½), x = (1, 1, 1), y_3 = 4: y_2 = 1 + 2 = 3, y_1 = 1 + 9 = 10; products 1, 2, 6, 3.
    """
    x, a, y = tf.constant([1.0, 1.0, 1.0]), tf.constant([2.0, 3.0, 0.5]), tf.constant(4.0)
    with tf.GradientTape() as tape:
        tape.watch([x, a, y])
        first = solve(x, a, y)[0]
    d_x, d_a, d_y = tape.gradient(first, [x, a, y])
    np.testing.assert_array_equal(d_x, [1.0, 2.0, 6.0])
    np.testing.assert_array_equal(d_a, [10.0, 2 * 3.0, 6 * 4.0])
    np.testing.assert_array_equal(d_y, 3.0)


def test_no_gradient_comes_back_through_a_cut(solve):
    x, a, y = tf.ones(6), tf.constant([1.0, 1.0, 0.0, 1.0, 1.0, 1.0]), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        first = solve(x, a, y)[0]
    d_x, d_y = tape.gradient(first, [x, y])
    np.testing.assert_array_equal(d_x, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert float(d_y) == 0.0
