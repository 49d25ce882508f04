"""Nash-MTL, CAGrad, Aligned-MTL, GradVac, GradNorm and random weights, each by its definition."""

import numpy as np
import pytest
import tensorflow as tf

from rl.updates import combiners
from rl.updates.combiners import (
    GradNorm,
    RandomWeights,
    cagrad_weights,
    config_weights,
    gradnorm_step,
    gradvac_weights,
    imtl_g_weights,
    pcgrad_weights,
)

# Their iterations are many and short, and take a fraction of the time in a program.
aligned_mtl_weights = tf.function(combiners.aligned_mtl_weights, autograph=False)
nash_mtl_weights = tf.function(combiners.nash_mtl_weights, autograph=False)


def jacobians(num_rows, count=20, gap=3, size=12):
    """Random rows with lengths that differ by up to 10^gap."""
    rng = np.random.default_rng(num_rows)
    return [rng.normal(size=(num_rows, size)) * 10.0 ** -rng.uniform(0, gap, (num_rows, 1)) for _ in range(count)]


def gramian(jacobian):
    return tf.constant(jacobian @ jacobian.T)


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("num_rows", [2, 3, 6])
def test_nash_mtl_solves_its_equation_and_has_norm_root_k(num_rows):
    for jacobian in jacobians(num_rows, gap=6):
        weights = nash_mtl_weights(gramian(jacobian)).numpy()
        assert (weights > 0).all()
        np.testing.assert_allclose(weights * (jacobian @ jacobian.T @ weights), 1.0, rtol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(jacobian.T @ weights), np.sqrt(num_rows), rtol=1e-9)


def test_nash_mtl_on_nearly_opposite_rows():
    for angle in (1e-2, 1e-4, 1e-6):
        rows = np.array([[1.0, 0.0, 0.0], [-np.cos(angle), np.sin(angle), 0.0], [0.0, 0.0, 1e-3]])
        for jacobian in (rows[:2], rows):
            weights = nash_mtl_weights(gramian(jacobian)).numpy()
            # The cosine's last digit is 1e-16 of 1, and 1 + cos = angle²/2.
            np.testing.assert_allclose(
                np.linalg.norm(jacobian.T @ weights), np.sqrt(len(jacobian)), rtol=1e-15 / angle**2
            )


@pytest.mark.parametrize("num_rows", [2, 3])
def test_nash_mtl_where_a_combination_vanishes_is_zero(num_rows):
    rows = np.array([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    stationary = rows if num_rows == 3 else np.array([[2.0, 1.0], [-4.0, -2.0]])
    np.testing.assert_array_equal(nash_mtl_weights(gramian(stationary)), np.zeros(num_rows))


def test_on_two_rows_nash_mtl_imtl_g_and_config_are_parallel():
    for jacobian in jacobians(2, gap=6):
        updates = [
            unit(jacobian.T @ rule(gramian(jacobian)).numpy())
            for rule in (nash_mtl_weights, imtl_g_weights, config_weights)
        ]
        np.testing.assert_allclose(updates[0], updates[1], rtol=0, atol=1e-12)
        np.testing.assert_allclose(updates[0], updates[2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("c", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("num_rows", [2, 3, 6])
def test_cagrad_helps_the_worst_off_as_much_as_its_radius_allows(num_rows, c):
    """The distance from the mean is c |g_0|, and no w on the simplex makes the dual (eq. 3) smaller than the primal."""
    rng = np.random.default_rng(num_rows)
    for jacobian in jacobians(num_rows):
        update = jacobian.T @ cagrad_weights(gramian(jacobian), c=c).numpy()
        mean = jacobian.mean(0)
        radius = c * np.linalg.norm(mean)
        np.testing.assert_allclose(np.linalg.norm(update - mean), radius, rtol=1e-9)
        worst = (jacobian @ update).min()
        simplex = rng.dirichlet(np.full(num_rows, 0.3), 4000) @ jacobian
        bounds = simplex @ mean + radius * np.linalg.norm(simplex, axis=1)
        assert worst <= bounds.min() + 1e-12  # weak duality, from any w
        direction = unit(update - mean)
        primal_dual = _tightest(jacobian, mean, radius)
        assert worst >= primal_dual - 1e-7 * radius * np.linalg.norm(jacobian, axis=1).max(), direction


def _tightest(jacobian, mean, radius, turns=4000):
    """The dual's least value from below: mirror descent on the simplex, and the primal value that it certifies."""
    logits, best = np.zeros(len(jacobian)), -np.inf
    scale = np.abs(jacobian @ mean).max() + radius * np.linalg.norm(jacobian, axis=1).max()
    for turn in range(turns):
        w = np.exp(logits - logits.max())
        w /= w.sum()
        combined = w @ jacobian
        update = mean + radius * unit(combined)
        best = max(best, (jacobian @ update).min())
        logits -= 2.0 / scale / np.sqrt(1 + turn / 50) * (jacobian @ update)
    return best


@pytest.mark.parametrize("num_rows", [2, 3, 6])
def test_aligned_mtl_gives_all_principal_components_the_shortests_length(num_rows):
    for jacobian in jacobians(num_rows, gap=2):
        left, singular, right = np.linalg.svd(jacobian, full_matrices=False)
        expected = singular.min() * right.T @ (left.T @ np.full(num_rows, 1 / num_rows))
        update = jacobian.T @ aligned_mtl_weights(gramian(jacobian)).numpy()
        np.testing.assert_allclose(update, expected, rtol=0, atol=1e-8 * singular.min())


@pytest.mark.parametrize("num_rows", [2, 3, 5])
def test_gradvac_that_remembers_nothing_is_pcgrad(num_rows):
    rng = np.random.default_rng(num_rows)
    for jacobian in jacobians(num_rows):
        orders = tf.constant([rng.permutation(num_rows) for _ in range(num_rows)])
        zero = tf.zeros((num_rows, num_rows), tf.float64)
        weights, phi = gradvac_weights(gramian(jacobian), orders, zero, beta=0.0)
        np.testing.assert_allclose(weights, pcgrad_weights(gramian(jacobian), orders), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(phi, zero)


def test_gradvac_turns_a_row_until_its_cosine_is_the_goal():
    jacobian = np.array([[1.0, 0.0], [-0.6, 0.8]])
    goal = tf.constant([[0.0, 0.3], [0.3, 0.0]], tf.float64)
    orders = tf.constant([[1, 0], [0, 1]])
    # Row 1's share of the update alone: what row 0 has become is J₀ + v J₁ with cosine 0.3 to J₁.
    taken = 1.0 * (0.3 * 0.8 - (-0.6) * np.sqrt(1 - 0.09)) / np.sqrt(1 - 0.09)
    turned = jacobian[0] + taken * jacobian[1]
    assert unit(turned) @ jacobian[1] == pytest.approx(0.3)
    weights, phi = gradvac_weights(gramian(jacobian), orders, goal, beta=0.5)
    np.testing.assert_allclose(weights, [1 + taken, 1 + taken], rtol=1e-12)  # both are of length 1
    np.testing.assert_allclose(phi, [[0, (0.3 - 0.6) / 2], [(0.3 - 0.6) / 2, 0]], rtol=1e-12, atol=1e-15)


def test_gradnorm_brings_all_rows_to_one_length():
    lengths = np.array([1.0, 4.0, 0.5])
    combiner = GradNorm(scope="global", learning_rate=0.01)
    weights = combiner.init(3)
    for _ in range(2000):
        before, weights = combiner.weights(tf.constant(np.diag(lengths**2)), tf.zeros(3), weights, tf.constant([0, 0]))
        assert float(tf.reduce_sum(weights)) == pytest.approx(3.0, abs=1e-12)
    weighted = before.numpy() * lengths
    # Each step moves a weighted row by at most 0.01 n_i²/mean(n), whichever way it has to go.
    np.testing.assert_allclose(weighted, weighted.mean(), atol=0.01 * 16 / lengths.mean() * 1.5)


def test_gradnorms_first_step_by_hand():
    # n = (1, 3)/2, w n = (0.5, 1.5), mean 1: w moves by +0.1·0.5 and −0.1·1.5, then back to a sum of 2.
    weights = gradnorm_step(tf.constant([[1.0, 0.0], [0.0, 9.0]]), tf.ones(2, tf.float64), learning_rate=0.1)
    np.testing.assert_allclose(weights, np.array([1.05, 0.85]) * 2 / 1.9, rtol=1e-15)


def test_random_weights_are_positive_shares_of_one_and_even_on_average():
    combiner = RandomWeights(scope="global")
    draws = np.array(
        [combiner.weights(tf.eye(3, dtype=tf.float64), tf.zeros(3), (), tf.constant([7, k]))[0] for k in range(2000)]
    )
    assert (draws > 0).all()
    np.testing.assert_allclose(draws.sum(1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(draws.mean(0), 1 / 3, atol=5 * draws.std() / np.sqrt(2000))
