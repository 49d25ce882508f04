"""PCGrad from the Gramian against algorithm 1 on the vectors themselves."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.updates.combiners import PCGrad, pcgrad_weights

PROPERTY = settings(max_examples=80, deadline=None, derandomize=True)
WEIGHTS = tf.function(pcgrad_weights, autograph=False)


@st.composite
def rows_and_orders(draw):
    """[m, n] rows in general position, some zero, with lengths from 1e-6 to 1, and for each the order of the others."""
    num_rows, size = draw(st.integers(2, 6)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    lengths = 10.0 ** np.array(draw(st.lists(st.floats(-6, 0), min_size=num_rows, max_size=num_rows)))
    lengths[draw(st.lists(st.integers(0, num_rows - 1), max_size=1))] = 0.0
    return rng.normal(size=(num_rows, size)) * lengths[:, None], np.array([rng.permutation(num_rows) for _ in lengths])


def _algorithm_1(jacobian, orders):
    """Σ_i of g_i after it has lost, one after the other, its components against the rows that it meets."""
    update = np.zeros(jacobian.shape[1])
    for own, row in enumerate(jacobian):
        rest = row.copy()
        for met in orders[own]:
            if met != own and rest @ jacobian[met] < 0:
                rest -= rest @ jacobian[met] / (jacobian[met] @ jacobian[met]) * jacobian[met]
        update += rest
    return update


def _weights(jacobian, orders):
    return WEIGHTS(tf.constant(jacobian @ jacobian.T), tf.constant(orders)).numpy()


@PROPERTY
@given(case=rows_and_orders())
def test_update_is_that_of_algorithm_1(case):
    jacobian, orders = case
    # Each remainder is a sum of at most m terms; their sizes are the weights times the lengths.
    weights = _weights(jacobian, orders)
    terms = np.abs(weights) @ np.linalg.norm(jacobian, axis=1)
    np.testing.assert_allclose(jacobian.T @ weights, _algorithm_1(jacobian, orders), rtol=0, atol=1e-13 * terms)


@PROPERTY
@given(case=rows_and_orders())
def test_closed_form_for_two_rows_is_the_general_algorithm(case):
    """A third row of zeros takes the general path, and leaves the other two alone."""
    jacobian = case[0][:2]
    orders = np.array([[1, 2, 0], [2, 0, 1], [0, 1, 2]])
    general = _weights(np.concatenate([jacobian, np.zeros_like(jacobian[:1])]), orders)
    closed = _weights(jacobian, np.array([[0, 1], [1, 0]]))
    np.testing.assert_allclose(closed, general[:2], rtol=1e-14)  # one quotient and one difference
    assert general[2] == 1.0


@PROPERTY
@given(case=rows_and_orders())
def test_update_is_the_sum_where_no_rows_conflict(case):
    jacobian, orders = np.abs(case[0]), case[1]
    np.testing.assert_array_equal(_weights(jacobian, orders), np.ones(len(jacobian)))


def test_order_of_three_rows_by_hand():
    # g_1 = (1, 0), g_2 = (−1, 1), g_3 = (−1, −1): g_1 conflicts with both, g_2·g_3 = 0. All meet the others in order.
    # g_1 meets g_2 (−1): (1, 0) + ½ g_2 = (½, ½); then g_3 (−1): + ½ g_3 = (0, 0), in weights (1, ½, ½).
    # g_2 meets g_1 (−1): (−1, 1) + g_1 = (0, 1); now g_3 (−1): + ½ g_3 = (−½, ½), in weights (1, 1, ½).
    # g_3 meets g_1 (−1): (0, −1); now g_2 (−1): + ½ g_2 = (−½, −½), in weights (1, ½, 1). Together (3, 2, 2).
    jacobian = np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]])
    weights = _weights(jacobian, np.array([[0, 1, 2], [0, 1, 2], [0, 1, 2]]))
    np.testing.assert_allclose(weights, [3.0, 2.0, 2.0], rtol=1e-15)  # exact in binary


def test_order_follows_from_the_seed():
    # With two conflicts that are not orthogonal, which of them comes first shows in the weights.
    jacobian = np.array([[1.0, 0.2, 0.0], [-1.0, 1.0, 0.3], [-0.7, 0.4, 1.0]])
    gramian, combiner = tf.constant(jacobian @ jacobian.T), PCGrad(scope="global")

    def weights(seed):
        return combiner.weights(gramian, tf.zeros(3), (), tf.constant([0, seed]))[0].numpy()

    drawn = [weights(seed) for seed in range(20)]
    assert len({tuple(w) for w in drawn}) > 1
    for seed, first in enumerate(drawn):
        np.testing.assert_array_equal(weights(seed), first)


def test_weights_of_a_seed_are_those_of_some_orders():
    jacobian = np.array([[1.0, 0.2, 0.0], [-1.0, 1.0, 0.3], [-0.7, 0.4, 1.0]])
    gramian = tf.constant(jacobian @ jacobian.T)
    # Each row meets the two others in one order or the other: eight in all.
    pairs = [([0, 1, 2], [0, 2, 1]), ([1, 0, 2], [1, 2, 0]), ([2, 0, 1], [2, 1, 0])]
    possible = [_weights(jacobian, np.array([a, b, c])) for a in pairs[0] for b in pairs[1] for c in pairs[2]]
    for seed in range(10):
        weights = PCGrad(scope="global").weights(gramian, tf.zeros(3), (), tf.constant([1, seed]))[0].numpy()
        assert min(np.abs(weights - other).max() for other in possible) < 1e-13  # the same sums
