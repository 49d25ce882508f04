"""Combiners that try sets of rows, on exactly dependent rows, against SciPy: no singular set may win.

Rows of small whole numbers have an exact Gramian, and dependent ones an exactly singular one; others are singular but
for rounding. Either way the rows' convex hull often holds 0, inside or on its border.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize, nnls

from rl.updates.combiners import cagrad_weights, dual_proj_weights, mgda_weights, upgrad_weights

C = 0.5
RULES = {
    "cagrad": lambda gramian: cagrad_weights(gramian, c=C),
    "mgda": mgda_weights,
    "upgrad": upgrad_weights,
    "dual_proj": dual_proj_weights,
}
COUNTS = {3: 400, 4: 80}
SIZES = (2, 2, 4, 4, 3, 3, 2, 3)


def dependent(rng, num_rows, kind):
    """[k, n] rows, no row zero, of which some depend on others."""
    rows = rng.integers(1, 5, (num_rows, SIZES[kind])) * rng.choice([-1.0, 1.0], (num_rows, SIZES[kind]))
    if kind == 0:  # whole numbers in a plane
        pass
    elif kind == 1:  # any in a plane
        rows = rng.normal(size=rows.shape)
    elif kind == 2:  # 0 is inside the hull of three
        rows[2] = -rng.integers(1, 4) * rows[0] - rng.integers(1, 4) * rows[1]
    elif kind == 3:  # one is the sum of two
        rows[2] = rows[0] + 2 * rows[1]
    elif kind == 4:  # 0 is on the border of the hull
        rows[1] = -rng.integers(1, 4) * rows[0]
    elif kind == 5:
        rows[1] = rng.integers(1, 4) * rows[0]
    elif kind == 6:  # along one line, and others
        rows[:2] = [[1, 0], [-1, 0]]
    else:  # 0 is inside the hull, but for rounding
        rows[:-1] = rng.normal(size=(num_rows - 1, 3))
        rows[-1] = -rng.uniform(0, 1, num_rows - 1) @ rows[:-1]
    rows = np.where(np.abs(rows).sum(1, keepdims=True) == 0, 1.0, rows)
    gaps = 10.0 ** -rng.integers(0, 5, (num_rows, 1)) if rng.random() < 0.3 else 1.0
    return rng.permutation(rows * gaps)


def cases(num_rows):
    rng = np.random.default_rng(num_rows)
    return [dependent(rng, num_rows, k % len(SIZES)) for k in range(COUNTS[num_rows])]


CASES = {num_rows: cases(num_rows) for num_rows in COUNTS}


def projection(jacobian, target):
    """The nearest point of {x: J x ≥ 0} to a vector t: t + Jᵀ λ with the λ ≥ 0 that makes it shortest (Moreau 1962)."""
    units, size = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True), np.linalg.norm(target)
    return target + size * units.T @ nnls(units.T, -target / size)[0] if size else target


def shortest(jacobian):
    """The length of the shortest convex combination: of min |Jᵀ u|² + (Σ u − 1)² over u ≥ 0, u/Σ u is one."""
    scale = np.linalg.norm(jacobian, axis=1).max()
    u, _ = nnls(np.vstack([jacobian.T / scale, np.ones(len(jacobian))]), np.append(np.zeros(jacobian.shape[1]), 1.0))
    return np.linalg.norm(jacobian.T @ u) / u.sum()


def best_worst_row(jacobian, mean, radius, scale):
    """max min_i g_i·x over the ball around the mean, from below, by sequential quadratic programming on (x, min)."""

    def worst(direction):
        return (jacobian @ (mean + radius * direction)).min()

    zero, n = np.zeros_like(mean), len(mean)
    rows = {
        "fun": lambda z: jacobian @ (mean + radius * z[:n]) / scale - z[n],
        "jac": lambda z: np.c_[jacobian * radius / scale, -np.ones(len(jacobian))],
    }
    ball = {"fun": lambda z: 1.0 - z[:n] @ z[:n], "jac": lambda z: np.append(-2.0 * z[:n], 0.0)}
    found = minimize(
        lambda z: -z[n],
        np.append(zero, worst(zero) / scale),
        jac=lambda z: np.append(zero, -1.0),
        constraints=[{"type": "ineq", **rows}, {"type": "ineq", **ball}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 200},
    ).x[:n]
    return max(worst(zero), worst(found / max(1.0, np.linalg.norm(found))))


@functools.cache
def reference(rule, num_rows, place):
    """MGDA: the shortest length; CAGrad: how well the worst row can fare; else the update itself."""
    jacobian = CASES[num_rows][place]
    mean, longest = jacobian.mean(0), np.linalg.norm(jacobian, axis=1).max()
    if rule == "mgda":
        return shortest(jacobian)
    if rule == "dual_proj":
        return projection(jacobian, mean)
    if rule == "upgrad":
        return np.mean([projection(jacobian, row) for row in jacobian], 0)
    size = np.linalg.norm(mean)
    return best_worst_row(jacobian, mean, C * size, longest * size) if size > 1e-14 * longest else -np.inf


def check(rule, num_rows, place, weights):
    assert np.isfinite(weights).all()
    jacobian, expected = CASES[num_rows][place], reference(rule, num_rows, place)
    update, mean, longest = jacobian.T @ weights, jacobian.mean(0), np.linalg.norm(jacobian, axis=1).max()
    if rule == "mgda":  # a length is known to the root of float64's rounding
        assert np.linalg.norm(update) <= expected + 3e-8 * longest
    elif rule == "cagrad":
        assert np.linalg.norm(update - mean) <= C * np.linalg.norm(mean) + 1e-9 * longest
        assert (jacobian @ update).min() >= expected - 1e-9 * longest * np.linalg.norm(mean)
    else:
        np.testing.assert_allclose(update, expected, rtol=0, atol=1e-9 * longest)


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("num_rows", COUNTS)
@pytest.mark.parametrize("rule", RULES)
def test_dependent_rows_have_the_rules_own_answer(rule, num_rows, mode):
    """All at once, as several seeds in one program are."""
    batched = tf.function(
        lambda gramians: tf.vectorized_map(RULES[rule], gramians), jit_compile=mode == "xla", autograph=False
    )
    weights = batched(tf.constant([rows @ rows.T for rows in CASES[num_rows]])).numpy()
    for place, weights_here in enumerate(weights):
        check(rule, num_rows, place, weights_here)


@pytest.mark.parametrize("rule", RULES)
def test_and_the_same_eagerly(rule):
    for place, rows in enumerate(CASES[3][:24]):
        check(rule, 3, place, RULES[rule](tf.constant(rows @ rows.T)).numpy())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_cagrad_where_the_full_set_of_rows_is_singular_and_0_lies_inside_the_hull(jit_compile):
    """Rows 1 and 2 are the worst off and fare alike: x = (−y/150, y), with |x − (1/6, 0.33)| = ½ |(1/6, 0.33)|."""
    jacobian = np.array([[1.0, 0.0], [-0.5, -0.01], [0.0, 1.0]])
    weights = tf.function(RULES["cagrad"], jit_compile=jit_compile, autograph=False)(
        tf.constant(jacobian @ jacobian.T)
    ).numpy()
    # (y/150 + 1/6)² + (y − 0.33)² = ¼ (1/36 + 0.1089), the larger root: the rows lose y/150, but the third gains y.
    a, b, c = 1 / 150**2 + 1, 2 * (1 / 900 - 0.33), 0.75 * (1 / 36 + 0.1089)
    roots = np.roots([a, b, c])
    expected = min(([-y / 150, y] for y in roots), key=lambda x: -(jacobian @ x).min())
    np.testing.assert_allclose(jacobian.T @ weights, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(expected, [-0.00169119, 0.25367780], atol=1e-8)
    assert np.abs(weights).max() < 10


@pytest.mark.parametrize("jit_compile", [False, True])
def test_cagrad_where_0_lies_on_the_hulls_border_takes_the_harmless_vector_nearest_to_the_mean(jit_compile):
    program = tf.function(RULES["cagrad"], jit_compile=jit_compile, autograph=False)
    for third, expected in (([0.0, 1.0], [0.0, 1 / 3]), ([0.3, 1.0], [0.0, 1 / 3])):  # any x with x_0 ≠ 0 harms a row
        jacobian = np.array([[1.0, 0.0], [-1.0, 0.0], third])
        update = jacobian.T @ program(tf.constant(jacobian @ jacobian.T)).numpy()
        np.testing.assert_allclose(update, expected, rtol=0, atol=1e-15)
