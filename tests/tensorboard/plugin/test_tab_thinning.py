"""Thinned curves: the number of points, and the number that each of them has."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.tensorboard.plugin.thinning import points_per_bin, thinned


def test_seven_moments_in_three_points_by_hand():
    """⌈7/3⌉ = 3 a point: (1, 9, 2), (4, 3, 8), (5): medians 2, 4, 5 and means 4, 5, 5, at the last step of each."""
    steps, values = np.arange(10, 80, 10), np.array([1.0, 9.0, 2.0, 4.0, 3.0, 8.0, 5.0])
    places, middle = thinned(steps, values, 3)
    np.testing.assert_array_equal(places, [30, 60, 70])
    np.testing.assert_array_equal(middle, [2, 4, 5])
    places, mean = thinned(steps, values, 3, mean=True)
    np.testing.assert_array_equal(places, [30, 60, 70])
    np.testing.assert_array_equal(mean, [4, 5, 5])


@pytest.mark.parametrize("most", [4, 5, 100])
def test_a_curve_with_few_moments_is_unchanged(most):
    steps, values = np.array([1, 2, 5, 9]), np.array([3.0, np.nan, 1.0, 2.0])
    places, same = thinned(steps, values, most)
    np.testing.assert_array_equal(places, steps)
    np.testing.assert_array_equal(same, values)
    assert points_per_bin(4, most) == 1


def test_no_moments_give_no_points():
    places, values = thinned(np.zeros(0, np.int64), np.zeros((0, 3)), 10)
    assert places.shape == (0,)
    assert values.shape == (0, 3)
    assert points_per_bin(0, 10) == 1


def test_nan_is_left_out_and_stays_where_a_bin_has_nothing_else(recwarn):
    values = np.array([np.nan, 4.0, 6.0, np.nan, np.nan, np.nan, 7.0, np.nan])
    _, middle = thinned(np.arange(8), values, 3)
    np.testing.assert_array_equal(middle, [5, np.nan, 7])
    _, mean = thinned(np.arange(8), values, 3, mean=True)
    np.testing.assert_array_equal(mean, [5, np.nan, 7])
    assert not recwarn.list


@st.composite
def series(draw):
    """(steps [T], values [T, 2] with some NaN, most)."""
    count = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = random.normal(size=(count, 2))
    values[random.random(values.shape) < 0.2] = np.nan
    return np.cumsum(random.integers(1, 100, count)), values, draw(st.integers(1, 40))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=series())
def test_points_are_the_medians_of_equally_many_neighbours(case):
    steps, values, most = case
    width = points_per_bin(len(steps), most)
    bins = [slice(start, start + width) for start in range(0, len(steps), width)]
    places, middle = thinned(steps, values, most)
    _, mean = thinned(steps, values, most, mean=True)
    assert len(places) == len(bins) <= most
    assert places[-1] == steps[-1]
    for k, neighbours in enumerate(bins):
        assert places[k] == steps[neighbours][-1]
        for column in range(2):
            known = [x for x in values[neighbours, column] if not np.isnan(x)]
            # A mean of up to sixty terms, in another order; a median of two is a mean.
            expected = [statistics.median(known), statistics.fmean(known)] if known else [np.nan, np.nan]
            found = [middle[k, column], mean[k, column]]
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("count", "most", "width"), [(1500, 300, 5), (1501, 300, 6), (300, 300, 1), (2000, 1000, 2)])
def test_the_width_of_a_point(count, most, width):
    assert points_per_bin(count, most) == width
    assert len(thinned(np.arange(count), np.zeros(count), most)[0]) == -(-count // width) <= most
