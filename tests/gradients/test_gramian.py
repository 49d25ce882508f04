"""Gramians, norms and cosines against brute force."""

import numpy as np
import tensorflow as tf

from rl.gradients import conflict, cosines, gramian, grouped, layers_of, norms

NAMES = ("torso/dense_0/kernel", "torso/dense_0/bias", "torso/dense_1/kernel")


def rows(num_rows):
    random = np.random.default_rng(num_rows)
    return [tuple(tf.constant(random.normal(size=shape)) for shape in [(3, 2), (2,), (2, 2)]) for _ in range(num_rows)]


def test_kernel_and_bias_are_one_layer():
    assert layers_of(NAMES) == {"torso/dense_0": (0, 1), "torso/dense_1": (2,)}


def test_gramian_equals_inner_products_of_flattened_layers():
    some = rows(3)
    matrix = gramian(some, layers_of(NAMES)).numpy()
    for layer, places in enumerate([(0, 1), (2,)]):
        flat = np.stack([np.concatenate([row[k].numpy().ravel() for k in places]) for row in some])
        # Float64 sums of at most eight terms, in another order.
        np.testing.assert_allclose(matrix[layer], flat @ flat.T, rtol=1e-14, atol=1e-14)


def test_gramian_is_symmetric_to_the_bit():
    matrix = gramian(rows(4), layers_of(NAMES)).numpy()
    np.testing.assert_array_equal(matrix, matrix.transpose(0, 2, 1))


def test_norms_and_cosines_by_hand():
    """Rows (3, 4) and (4, 3): norms 5 and 5, cosine 24/25; a zero row has no direction."""
    matrix = tf.constant([[25.0, 24.0, 0.0], [24.0, 25.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(norms(matrix), [5, 5, 0])
    angles = cosines(matrix).numpy()
    np.testing.assert_allclose(angles[:2, :2], [[1, 0.96], [0.96, 1]], rtol=1e-7)  # one float32 rounding
    assert np.isnan(angles[2]).all()
    assert np.isnan(angles[:, 2]).all()


def test_groups_gramian_is_that_of_the_grouped_rows():
    some = rows(3)
    assignment = tf.constant([[1.0, 0.0, 0.25], [0.0, 2.0, 0.0]], tf.float64)
    both = [
        tuple(sum(float(a) * row[k] for a, row in zip(line, some, strict=True)) for k in range(3))
        for line in assignment
    ]
    expected = gramian(both, layers_of(NAMES))
    np.testing.assert_allclose(grouped(gramian(some, layers_of(NAMES)), assignment), expected, rtol=1e-12, atol=1e-12)


def test_conflict_is_the_share_of_layers_with_a_negative_inner_product():
    """Rows 0 and 1 in one layer of three, 0 and 2 in two, 1 and 2 in one (a zero is no conflict)."""
    inner = [(1.0, -1.0, 2.0), (-1.0, -3.0, 0.0), (-1.0, 2.0, 0.0)]
    matrices = [[[1.0, a, b], [a, 1.0, c], [b, c, 1.0]] for a, b, c in zip(*inner, strict=True)]
    shares = [[0, 1 / 3, 2 / 3], [1 / 3, 0, 1 / 3], [2 / 3, 1 / 3, 0]]
    np.testing.assert_allclose(conflict(tf.constant(matrices)), shares, rtol=1e-6)
