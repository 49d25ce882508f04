"""How the numbers of several iterations become one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl.reductions import LAST, MAXIMUM, MEAN, MINIMUM, RATE, SUM, combine, last_return, typical, typical_of_runs
from rl.tags import reduction

NAN = float("nan")


def test_iterations_are_put_together_as_one():
    """99 episodes of mean 10, between −500 and 20, and one of 100, between 90 and 110: (990 + 100) / 100 = 10.9."""
    tags = ("episode/return", "episode/return_min", "episode/return_max", "episode/length", "episode/count")
    rows = [dict(zip(tags, row, strict=True)) for row in ((10, -500, 20, 30, 99), (100, 90, 110, 130, 1))]
    assert combine(rows, reduction) == {
        "episode/return": pytest.approx(10.9),
        "episode/return_min": -500,
        "episode/return_max": 110,
        "episode/length": pytest.approx(31),
        "episode/count": 100,
    }


def test_the_typical_number_keeps_its_sign_and_is_of_moments_before_runs():
    """Medians −1 and 3 of two runs, and 1 of both; sizes would be 5 and 3. What is not finite does not count."""
    runs = [[-5.0, 9.0, -1.0, NAN], [3.0, np.inf, 3.0]]
    assert [float(typical(run)) for run in runs] == [-1, 3]
    assert typical_of_runs(runs) == 1
    assert np.isnan(typical([NAN, np.inf]))
    np.testing.assert_array_equal(typical_of_runs([np.array([[1.0, NAN], [3.0, 2.0]])], 0), [2, 2])


def test_each_reduction_by_hand():
    values = [2.0, NAN, 8.0, 4.0]
    assert MEAN.combine(values) == pytest.approx(14 / 3)
    assert MEAN.by("n").combine(values, [1, 5, 3, 0]) == pytest.approx((2 + 24) / 4)
    assert MINIMUM.combine(values) == 2
    assert MAXIMUM.combine(values) == 8
    assert SUM.combine(values) == 14
    assert LAST.combine([1.0, 7.0, NAN]) == 7
    assert RATE.combine([100.0, 300.0]) == pytest.approx(2 / (1 / 100 + 1 / 300))  # 150, and not 200
    assert RATE.combine([100.0, 0.0]) == 0


@pytest.mark.parametrize("how", [MEAN, MINIMUM, MAXIMUM, SUM, LAST, RATE, MEAN.by("n")])
def test_nothing_measured_stays_so(how):
    assert np.isnan(how.combine([NAN, NAN], [1, 1]))


def test_a_weight_that_is_not_known_counts_each_iteration_the_same():
    """Iterations that an older checkpoint kept have no `update/taken`."""
    rows = [{"policy/kl": 1.0}, {"policy/kl": 4.0, "update/taken": 16.0}]
    assert combine(rows, reduction)["policy/kl"] == 2.5
    assert np.isnan(MEAN.by("n").combine([3.0], [0.0]))


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(-1e8, 1e8)), min_size=2, max_size=30), st.integers(1, 29))
def test_episodes_may_be_cut_into_iterations_anywhere(episodes, cut):
    """Points of points are points: any grouping gives the figures of all episodes together."""

    def row(part):
        counts, returns = np.array([n for n, _ in part], float), np.array([r for _, r in part])
        total = counts.sum()
        mean = (counts * returns).sum() / total if total else NAN
        return {"episode/return": mean, "episode/count": total}

    cut = min(cut, len(episodes) - 1)
    whole = row(episodes)
    parts = combine([row(episodes[:cut]), row(episodes[cut:])], reduction)
    assert parts["episode/count"] == whole["episode/count"]
    # Rounding is relative to the largest of the numbers that are added, of which 30 make a sum.
    scale = max(abs(r) for _, r in episodes)
    np.testing.assert_allclose(parts["episode/return"], whole["episode/return"], rtol=0, atol=1e-13 * scale)


def test_the_last_return_reaches_back_to_the_newest_ended_episodes():
    """20 iterations of which the last ends no episode, as of MountainCar: its window would be that one alone."""
    returns = np.array([NAN] * 10 + [-200.0] * 9 + [NAN])
    assert last_return(returns, np.array([0.0] * 10 + [5.0] * 9 + [0.0])) == -200
    assert last_return(np.array([1.0, NAN, NAN]), np.array([3.0, 0, 0]), share=1 / 3) == 1
    assert np.isnan(last_return(np.full(5, NAN)))
    assert np.isnan(last_return(np.zeros(0)))


def test_the_last_return_weighs_by_episodes():
    returns, counts = np.array([0.0] * 38 + [10.0, 100.0]), np.array([1.0] * 38 + [99.0, 1.0])
    assert last_return(returns, counts) == pytest.approx(10.9)  # two of 40 iterations
    assert last_return(returns) == 55  # of a file that does not say how many ended
    assert last_return(returns, counts, share=0) == 100  # the newest iteration alone


def test_several_runs_count_as_one():
    returns, counts = np.array([[1.0, 2.0], [NAN, 8.0], [NAN, NAN]]), np.array([[1.0, 1.0], [0.0, 3.0], [0.0, 0.0]])
    assert last_return(returns, counts, share=0) == 8
    assert last_return(returns, counts, share=1) == pytest.approx((1 + 2 + 24) / 5)
