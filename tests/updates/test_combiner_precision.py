"""Combiners on Gramians that come from float32 rows, as an update rule computes them."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import gramian
from rl.updates.combiners import config_weights, imtl_g_weights, mgda_weights, pcgrad_weights

ORDERS = tf.constant([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
RULES = pytest.mark.parametrize(
    "rule",
    [mgda_weights, config_weights, imtl_g_weights, lambda matrix: pcgrad_weights(matrix, ORDERS)],
    ids=["mgda", "config", "imtl_g", "pcgrad"],
)


def _updates(rule, jacobian):
    """The updates from the Gramian of the float32 rows, and from that of the very same numbers in float64."""
    rows, wide = jacobian.astype(np.float32), jacobian.astype(np.float32).astype(np.float64)
    weights = rule(gramian([(tf.constant(row),) for row in rows], {"layer": (0,)})[0]).numpy()
    exact = rule(tf.constant(wide @ wide.T)).numpy()
    return wide.T @ weights, wide.T @ exact, np.abs(exact) @ np.linalg.norm(wide, axis=1)


@RULES
@pytest.mark.parametrize("seed", range(5))
def test_independent_rows_lose_float32_rounding_at_most(rule, seed):
    jacobian = np.random.default_rng(seed).normal(size=(3, 50)) * np.array([[1.0], [1e-3], [1e3]])
    update, exact, terms = _updates(rule, jacobian)
    # Sums of 50 products are off by some 1e-7; rows in 50 dimensions are nearly orthogonal, which magnifies nothing.
    np.testing.assert_allclose(update, exact, rtol=0, atol=1e-5 * terms)


@RULES
@pytest.mark.parametrize("seed", range(8))
def test_three_rows_in_a_plane_give_the_update_of_their_exact_gramian(rule, seed):
    """Their Gramian has rank two; the sign of a rounded third eigenvalue must not decide the update."""
    update, exact, terms = _updates(rule, np.random.default_rng(seed).normal(size=(3, 2)))
    # Should the Gramian be rounded, its 6e-8 is magnified by the condition number of the plane, here below 1e3.
    np.testing.assert_allclose(update, exact, rtol=0, atol=1e-4 * terms)


@pytest.mark.parametrize("seed", range(8))
def test_config_keeps_its_direction_where_a_row_is_a_multiple_of_another(seed):
    """A multiple of a row asks for nothing new: the direction is that of the first two rows alone."""
    rows = np.random.default_rng(seed).normal(size=(2, 20)).astype(np.float32)
    jacobian = np.stack([rows[0], rows[1], rows[0] * np.float32(0.3)])
    update, _, _ = _updates(config_weights, jacobian)
    two, _, _ = _updates(config_weights, jacobian[:2])
    cosine = update @ two / (np.linalg.norm(update) * np.linalg.norm(two))
    # An angle of the float32 rounding of the rows, 1e-7, would show in the fourteenth digit of its cosine.
    assert cosine > 1.0 - 1e-8
