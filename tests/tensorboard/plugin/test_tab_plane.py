"""Rows as arrows in a plane: against explicit row vectors and their projections."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.tensorboard.plugin.plane import Plane

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
CLOSE = 1e-9  # of the rows' norms: an eigenvalue may be 1e-12 of the largest, and a coordinate is divided by its root


def plane(rows, num_objectives):
    return Plane(rows @ rows.T, num_objectives)


def seen(rows, num_objectives):
    """x and y of every row, and the fraction of its norm within the plane."""
    found = plane(rows, num_objectives).rows()
    return found[:, :2], found[:, 2]


def best_plane(rows, num_objectives):
    """By brute force: the rows' projections [R, P] on the two directions that keep most of the unit objectives."""
    units = rows[:num_objectives] / np.linalg.norm(rows[:num_objectives], axis=1, keepdims=True)
    directions = np.linalg.svd(units)[2][:2]
    return rows @ directions.T @ directions


def assert_same_picture(places, vectors):
    """Checks that arrows in the plane have the norms and the angles of vectors in space."""
    lengths = np.linalg.norm(vectors, axis=1)
    scale = np.outer(lengths, lengths) + 1e-300
    np.testing.assert_allclose(places @ places.T / scale, vectors @ vectors.T / scale, rtol=0, atol=CLOSE)


@st.composite
def random_rows(draw, num_objectives=(2, 5), num_extra=(0, 4)):
    """(rows [R, P], m): objectives first, of lengths from 1e-6 to 1e6."""
    m, extra = draw(st.integers(*num_objectives)), draw(st.integers(*num_extra))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    lengths = 10.0 ** random.uniform(-6, 6, size=(m + extra, 1))
    return lengths * random.normal(size=(m + extra, draw(st.integers(3, 12)))), m


def test_three_rows_by_hand():
    """The first lies along +y, the second at a right angle to it on the right, the third between them, half of it
    outside: (1, 1, 2) has √2 of its length √6 in the plane of the first two.
    """
    rows = np.array([[0.0, 3.0, 0.0], [5.0, 0.0, 0.0], [1.0, 1.0, 2.0]])
    places, inside = seen(rows, 2)
    np.testing.assert_allclose(places, [[0, 3], [5, 0], [1, 1]], atol=1e-14)
    np.testing.assert_allclose(inside, [1, 1, np.sqrt(2 / 6)], rtol=1e-14)


@PROPERTY
@given(case=random_rows(num_objectives=(2, 2)))
def test_two_objectives_keep_all_their_inner_products(case):
    rows, m = case
    places, inside = seen(rows, m)
    assert_same_picture(places[:m], rows[:m])
    np.testing.assert_allclose(inside[:m], 1, rtol=1e-9)
    lengths = np.linalg.norm(rows, axis=1)
    scale = np.outer(lengths[:m], lengths)  # also theirs with every other row, whose share outside does not count
    np.testing.assert_allclose(places[:m] @ places.T / scale, rows[:m] @ rows.T / scale, rtol=0, atol=CLOSE)


@PROPERTY
@given(case=random_rows())
def test_arrows_are_the_projections_on_the_best_plane(case):
    rows, m = case
    places, inside = seen(rows, m)
    projections = best_plane(rows, m)
    assert_same_picture(places, projections)
    expected = np.linalg.norm(projections, axis=1) / np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(inside, expected, rtol=0, atol=CLOSE)
    assert (inside <= 1).all()


@PROPERTY
@given(case=random_rows())
def test_the_first_points_up_and_the_second_to_the_right(case):
    rows, m = case
    places, _ = seen(rows, m)
    lengths = np.linalg.norm(rows, axis=1)
    assert abs(places[0, 0]) <= 1e-12 * lengths[0]
    assert places[0, 1] > 0
    assert places[1, 0] >= -1e-12 * lengths[1]


@PROPERTY
@given(case=random_rows(), seed=st.integers(0, 1000))
def test_combinations_of_rows_are_the_same_combinations_of_arrows(case, seed):
    rows, m = case
    weights = np.random.default_rng(seed).normal(size=(7, m))
    combined = weights @ rows[:m]
    found = plane(rows, m).combinations(weights)
    terms = np.abs(weights) @ np.linalg.norm(rows[:m], axis=1)
    expected = weights @ plane(rows, m).rows()[:m, :2]
    np.testing.assert_allclose(found[:, :2] / terms[:, None], expected / terms[:, None], rtol=0, atol=CLOSE)
    shares = np.linalg.norm(best_plane(np.vstack([rows[:m], combined]), m)[m:], axis=1)
    shares /= np.linalg.norm(combined, axis=1)
    clear = np.linalg.norm(combined, axis=1) > 1e-6 * terms  # elsewhere all but everything cancels
    np.testing.assert_allclose(found[clear, 2], shares[clear], rtol=0, atol=1e-6)


def test_a_combination_has_the_place_of_the_row_that_equals_it():
    rows = np.random.default_rng(1).normal(size=(3, 6))
    weights = np.array([[1.0, 1.0, 1.0], [0.5, -2.0, 0.1]])
    beside = np.vstack([rows, weights @ rows])
    np.testing.assert_allclose(
        plane(beside, 3).rows()[3:], plane(beside, 3).combinations(weights), rtol=1e-12, atol=1e-14
    )


@PROPERTY
@given(case=random_rows(), seed=st.integers(0, 1000))
def test_rotating_all_rows_in_space_changes_nothing(case, seed):
    rows, m = case
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(rows.shape[1], rows.shape[1])))[0]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    before, after = seen(rows, m), seen(rows @ rotation, m)
    units = rows[:m] / lengths[:m]
    second, third = (*np.linalg.svd(units, compute_uv=False)[1:], 0.0)[:2]
    # Where two planes are equally good, rounding decides between them.
    off = CLOSE / max(second - third, 1e-9)
    np.testing.assert_allclose(before[0] / lengths, after[0] / lengths, rtol=0, atol=off)
    np.testing.assert_allclose(before[1], after[1], rtol=0, atol=off)


def test_parallel_rows_are_one_line():
    places, inside = seen(np.array([[1.0, 2.0, 2.0], [2.0, 4.0, 4.0], [0.0, 3.0, -3.0], [1.0, 2.0, -2.0]]), 2)
    np.testing.assert_allclose(places[:2], [[0, 3], [0, 6]], atol=1e-12)
    np.testing.assert_allclose(places[2:], [[0, 0], [0, 1 / 3]], atol=1e-12)  # (1, 2, −2)·(1, 2, 2)/3
    np.testing.assert_allclose(inside, [1, 1, 0, 1 / 9], atol=1e-12)


def test_opposite_rows_are_one_line_up_and_down():
    places, inside = seen(np.array([[3.0, 4.0], [-6.0, -8.0]]), 2)
    np.testing.assert_allclose(places, [[0, 5], [0, -10]], atol=1e-12)
    np.testing.assert_allclose(inside, [1, 1], rtol=1e-12)


def test_nearly_parallel_rows_keep_their_angle():
    angle = 1e-4
    places, inside = seen(np.array([[1.0, 0.0, 0.0], [np.cos(angle), np.sin(angle), 0.0], [0.0, 0.0, 1.0]]), 2)
    assert np.arctan2(places[1, 0], places[1, 1]) == pytest.approx(angle, rel=1e-6)  # 1e-16 under a root, over 1e-8
    np.testing.assert_allclose(inside, [1, 1, 0], atol=1e-7)


@pytest.mark.parametrize("zero", [0, 1, 2])
def test_a_zero_row_is_a_point_without_a_share(zero):
    rows = np.random.default_rng(2).normal(size=(4, 5))
    rows[zero] = 0.0
    places, inside = seen(rows, 3)
    np.testing.assert_array_equal(places[zero], [0, 0])
    assert np.isnan(inside).tolist() == [place == zero for place in range(4)]
    others = np.delete(np.arange(4), zero)
    without, shares = seen(rows[others], 2)
    np.testing.assert_allclose(places[others], without, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(inside[others], shares, rtol=1e-12)


def test_no_row_at_all_leaves_every_arrow_at_the_origin():
    rows = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]])
    places, inside = seen(rows, 2)
    np.testing.assert_array_equal(places, np.zeros((3, 2)))
    assert np.isnan(inside).tolist() == [True, True, False]
    assert inside[2] == 0
    combined = plane(rows, 2).combinations(np.ones((1, 2)))
    np.testing.assert_array_equal(combined[:, :2], [[0, 0]])
    assert np.isnan(combined[0, 2])


def test_a_single_objective_is_a_line():
    places, inside = seen(np.array([[3.0, 4.0], [4.0, 3.0]]), 1)
    np.testing.assert_allclose(places, [[0, 5], [0, 4.8]], rtol=1e-14)
    np.testing.assert_allclose(inside, [1, 0.96], rtol=1e-14)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_counts_as_zero(number):
    rows = np.random.default_rng(3).normal(size=(4, 5))
    matrix = rows @ rows.T
    matrix[1], matrix[:, 1] = number, number
    rows[1] = 0.0
    found = Plane(matrix, 3).rows()
    np.testing.assert_allclose(found, plane(rows, 3).rows(), rtol=1e-12, atol=1e-14)
    assert np.isfinite(found[[0, 2, 3]]).all()


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e-318])
def test_huge_and_tiny_rows_keep_their_picture(size):
    matrix = np.array([[25.0, 24.0], [24.0, 25.0]]) * size
    found = Plane(matrix, 2).rows()
    length = 5 * np.sqrt(size)
    # Numbers below 1e-308 have fewer digits; near 1e-317 there are seven.
    expected = np.array([[0.0, 1.0], [0.28, 0.96]]) * length
    np.testing.assert_allclose(found[:, :2] / length, expected / length, rtol=0, atol=1e-12 if size > 1e-310 else 1e-5)
    np.testing.assert_allclose(found[:, 2], 1, rtol=1e-5)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=9, max_size=9), st.integers(0, 3))
def test_numbers_that_are_no_gramian_raise_no_error(numbers, num_objectives):
    matrix = np.reshape(numbers, (3, 3))
    with np.errstate(all="ignore"):
        found = Plane(matrix + matrix.T, num_objectives).rows()
    assert found.shape == (3, 3)
    assert not (found[:, 2] > 1).any()
