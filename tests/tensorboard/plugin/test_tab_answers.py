"""From series to answers: what JSON carries, and the numbers of each view."""

import json
import math

import numpy as np
import pytest
from gramian_logs import gramians, legend
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.tensorboard.plugin import overview, quantities, views
from rl.tensorboard.plugin.names import named
from rl.tensorboard.plugin.plain import as_json
from rl.tensorboard.plugin.plane import Plane
from rl.tensorboard.plugin.source import AGAINST_STEP, Listing, Series

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
SHOWN = ("combined", "clipped", AGAINST_STEP)


def back(answer):
    return json.loads(as_json(answer))


def series(of, arrays, *, first_step=1000, every=1000):
    """A series as a source returns it."""
    steps = first_step + every * np.arange(len(arrays))
    broken = int((~np.isfinite(arrays)).any((1, 2, 3)).sum())
    return Series(of, steps, np.asarray(arrays), 0, broken)


def of_lengths(*lengths):
    """The Gramians [1, 2, 2] of two orthogonal rows, of norm 1 and of each of these norms."""
    return np.array([[np.diag([1.0, length**2])] for length in lengths])


TWO = legend(layers=1, objectives=("policy", "value"), extra_rows=())


def test_numbers_that_are_not_finite_become_null():
    assert back([np.nan, np.inf, -np.inf, 1.0]) == [None, None, None, 1.0]
    assert back({"a": float("nan"), "b": np.array([[np.inf, 2.0]]), "c": np.float32("nan")}) == {
        "a": None,
        "b": [[None, 2.0]],
        "c": None,
    }


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (-2 / 3, "-0.666667"),
        (34.40909265723294, "34.4091"),
        (123456.789, "123457.0"),
        (1234567.0, "1234570.0"),
        (999999.5, "1000000.0"),
        (1.23456789e-300, "1.23457e-300"),
        (-9.87654321e300, "-9.87654e+300"),
        (1.7976931348623157e308, "1.79769e+308"),
        (5e-324, "5e-324"),
    ],
)
def test_numbers_have_six_digits(number, written):
    assert as_json(number) == written
    assert as_json(np.float64(number)) == written
    assert as_json(np.array([number])) == f"[{written}]"


@PROPERTY
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_six_digits_are_kept_and_no_more_are_sent(number):
    (found,) = back(np.array([number]))
    assert found == float(f"{number:.5e}")
    assert abs(found - number) <= 0.5000001e-5 * abs(number) or abs(number) < 1e-307  # floats have fewer digits there
    mantissa = repr(abs(found)).split("e")[0].replace(".", "").strip("0")
    assert len(mantissa) <= 6


def test_whole_numbers_and_texts_are_exact():
    big = 2**53 + 1
    answer = {"i": big, "n": np.int64(big), "a": np.array([big, -1]), "t": "−applied", "f": True, "o": None}
    assert back(answer) == {"i": big, "n": big, "a": [big, -1], "t": "−applied", "f": True, "o": None}
    assert back(np.bool_(True)) is True


def test_arrays_and_tuples_of_every_depth_become_lists():
    answer = {"pair": (1, (2.0, [np.array([[0.5], [1.5]])])), 3: np.zeros((2, 0)), "none": np.zeros((0, 3))}
    assert back(answer) == {"pair": [1, [2.0, [[[0.5], [1.5]]]]], "3": [[], []], "none": []}


def test_texts_cannot_end_a_script_or_leave_ascii():
    text = "<img src=x onerror=alert(1)> \u2028 \udcff"
    assert as_json(text).isascii()
    assert back(text) == text


def folded(runs, *asked):
    """The settings' seeds folded, as the route /folded does it."""
    settings = {}
    for run, name in named(runs).items():
        settings.setdefault(name.config, {})[run] = runs[run]
    return views.folded(settings, *asked)


def listing(run, of):
    return views.listing(run, of, named([run])[run])


def test_the_listing_has_the_legend_in_short():
    of = legend(layers=30)
    listed = back(listing("run", Listing(of, None, 7000, 2.5)))
    assert listed["legend"]["layers"] == 30
    assert listed["legend"]["sizes"] == sum(of.sizes)
    assert listed["legend"]["objectives"] == list(of.objectives)
    assert (listed["max_step"], listed["version"], listed["problem"]) == (7000, "7000 2.5", None)
    listed = listing("run", Listing(None, "because", 7000, 2.5))
    assert (listed["legend"], listed["problem"]) == (None, "because")


def test_seeds_are_folded_into_median_and_quartiles_by_hand():
    """Lengths 1, 2, 4 and 10 of four seeds: the median is 3; the quartiles, a quarter of the way from the first to the
    last of four, are 1.75 and 5.5.
    """
    runs = {f"a,seed={k}": series(TWO, of_lengths(x, 2 * x)) for k, x in enumerate((1.0, 2.0, 4.0, 10.0))}
    runs["b,seed=0"] = series(TWO, of_lengths(7.0, 9.0))
    a, b = folded(runs, "norm", "value", "", 300)
    assert (a["config"], a["runs"], a["left_out"]) == ("a", [f"a,seed={k}" for k in range(4)], [])
    np.testing.assert_array_equal(a["steps"], [1000, 2000])
    np.testing.assert_allclose(a["median"], [3, 6], rtol=1e-15)
    np.testing.assert_allclose(a["low"], [1.75, 3.5], rtol=1e-15)
    np.testing.assert_allclose(a["high"], [5.5, 11], rtol=1e-15)
    # Over its two moments a run's median is 1.5 times its first length.
    assert a["summary"] == {"median": 4.5, "least": 1.5, "most": 15.0}
    assert (b["config"], b["runs"]) == ("b", ["b,seed=0"])
    np.testing.assert_array_equal([b["median"], b["low"], b["high"]], [[7, 9]] * 3)


def test_runs_at_other_steps_are_interpolated_within_their_own_range():
    """One run has 0, 10, 20, 30 at the steps 0, 100, 200, 300, the other 5 and 10 at 50 and 150: at 100 it has 7.5."""
    long = series(TWO, of_lengths(0.0, 10.0, 20.0, 30.0), first_step=0, every=100)
    short = series(TWO, of_lengths(5.0, 10.0), first_step=50, every=100)
    (group,) = folded({"a,seed=0": short, "a,seed=1": long}, "norm", "value", "", 300)
    np.testing.assert_array_equal(group["steps"], [0, 100, 200, 300])
    np.testing.assert_allclose(group["median"], [0, 8.75, 20, 30], rtol=1e-14)
    np.testing.assert_allclose(group["low"], [0, 7.5 + 2.5 / 4, 20, 30], rtol=1e-14)


def test_a_run_that_lacks_the_row_or_has_no_number_is_left_out():
    other = legend(layers=1, objectives=("policy", "critic"), extra_rows=())
    broken = series(TWO, np.full((2, 1, 2, 2), np.nan))
    none = Series(TWO, np.zeros(0, np.int64), np.zeros((0, 1, 2, 2)), 3, 0)
    good = series(TWO, of_lengths(2.0, 4.0))
    runs = {"a,seed=0": series(other, of_lengths(1.0)), "a,seed=1": none, "a,seed=2": good, "a,seed=3": broken}
    (group,) = folded(runs, "norm", "value", "", 300)
    assert group["runs"] == ["a,seed=2", "a,seed=3"]
    assert group["left_out"] == ["a,seed=0", "a,seed=1"]
    np.testing.assert_array_equal(group["median"], [2, 4])
    assert group["summary"]["least"] == group["summary"]["most"] == 3
    (group,) = folded({"a,seed=0": none}, "norm", "value", "", 300)
    assert back(group) == {
        "config": "a",
        "runs": [],
        "left_out": ["a,seed=0"],
        "steps": [],
        "median": [],
        "low": [],
        "high": [],
        "summary": None,
    }


def test_an_extra_row_has_no_share():
    of = legend(layers=1, extra_rows=SHOWN)
    (group,) = folded({"a": series(of, gramians(of, 2))}, "share", "clipped", "", 10)
    assert group["left_out"] == ["a"]


def test_the_overview_has_a_line_for_every_row_and_pair():
    of = legend(layers=2, extra_rows=(*SHOWN, "stale/behaviour/value"))
    some = series(of, gramians(of, 25))
    answer = back(overview.setting({"run": some}, {}, 10))
    assert answer["steps"] == [3000 * k for k in range(1, 9)] + [25_000]
    assert (answer["moments"], answer["moments_per_point"], answer["broken"], answer["num_layers"]) == (25, 3, 0, 2)
    assert [line["name"] for line in answer["norm"]] == list(of.rows)
    assert [line["name"] for line in answer["conflict"]] == ["policy · value", "policy · entropy", "value · entropy"]
    assert [line["name"] for line in answer["share"]] == list(of.objectives)
    assert [(line["name"], line["extra"]) for line in answer["cosine"]] == [
        (f"{a} · {b}", b not in of.objectives) for a, b in quantities.pairs(of)
    ]
    for lines in (answer["norm"], answer["conflict"], answer["share"], answer["cosine"]):
        assert {len(line["values"]) for line in lines} == {9}
    lengths = np.sqrt(some.gramians.sum(1)[:, 1, 1])
    expected = [np.median(lengths[start : start + 3]) for start in range(0, 25, 3)]
    np.testing.assert_allclose(answer["norm"][1]["values"], expected, rtol=1e-5)  # six digits
    against = (some.gramians[:, :, 0, 1] < 0).mean(1)
    around = [against[max(0, t - 1) : t + 2].mean() for t in range(25)]  # a twelfth of 25 moments, made odd, is 3
    expected = [np.mean(around[start : start + 3]) for start in range(0, 25, 3)]
    np.testing.assert_allclose(answer["conflict"][0]["values"], expected, rtol=1e-5)


def test_the_layers_view_has_a_line_a_layer():
    of = legend(layers=3, extra_rows=SHOWN)
    some = series(of, gramians(of, 7))
    answer = back(views.layers(some, "cosine", "policy", "value", 300))
    assert (answer["layers"], answer["sizes"]) == (list(of.layers), list(of.sizes))
    expected = some.gramians[:, :, 0, 1] / np.sqrt(some.gramians[:, :, 0, 0] * some.gramians[:, :, 1, 1])
    np.testing.assert_allclose(answer["values"], expected.T, rtol=1e-5)
    np.testing.assert_allclose(answer["null_bands"], [2 / np.sqrt(size) for size in of.sizes], rtol=1e-5)
    assert len(answer["total"]) == len(answer["steps"]) == 7


def test_no_more_than_two_hundred_layers_are_sent():
    of = legend(layers=230, objectives=("policy", "value"), extra_rows=())
    some = series(of, np.tile(np.eye(2), (3, 230, 1, 1)))
    answer = back(views.layers(some, "norm", "value", "", 300))
    assert answer["num_layers"] == 230
    assert len(answer["layers"]) == len(answer["sizes"]) == len(answer["values"]) == views.MAX_LAYERS == 200
    np.testing.assert_allclose(answer["total"], np.sqrt(230), rtol=1e-5)  # all layers count
    answer = back(views.moment(some, math.inf))
    assert len(answer["layers"]) == 200
    assert answer["num_layers"] == 230


@pytest.mark.parametrize(
    ("asked", "at"), [(0, 0), (1000, 0), (1499, 0), (1501, 1), (2000, 1), (3000, 2), (10**17, 2), (math.inf, 2)]
)
def test_a_moment_is_the_one_nearest_to_the_step(asked, at):
    of = legend(layers=2, extra_rows=SHOWN)
    some = series(of, gramians(of, 3))
    answer = back(views.moment(some, asked))
    steps = [1000, 2000, 3000]
    assert (answer["step"], answer["number"], answer["moments"]) == (steps[at], at + 1, 3)
    assert answer["previous"] == ([None, *steps][at])
    assert answer["next"] == ([*steps, None][at + 1])
    assert (answer["first"], answer["last"], answer["broken"]) == (1000, 3000, False)
    total = some.gramians[at].sum(0)
    assert [layer["name"] for layer in answer["layers"]] == list(of.layers)
    for one, matrix in zip([answer["total"], *answer["layers"]], [total, *some.gramians[at]], strict=True):
        lengths = np.sqrt(np.diag(matrix))
        np.testing.assert_allclose(one["norms"], lengths, rtol=1e-5)
        np.testing.assert_allclose(one["cosines"], matrix / np.outer(lengths, lengths), rtol=1e-5)
        np.testing.assert_allclose(one["plane"], Plane(matrix, 3).rows(), rtol=1e-5)


def test_a_broken_moment_says_so_and_the_others_stay():
    of = legend(layers=2, extra_rows=SHOWN)
    arrays = gramians(of, 3)
    arrays[1, 0, 0, 1] = np.nan
    some = series(of, arrays)
    assert [back(views.moment(some, step))["broken"] for step in (1000, 2000, 3000)] == [False, True, False]
    answer = back(overview.setting({"run": some}, {}, 10))
    assert answer["broken"] == 1
    assert [x is None for x in answer["cosine"][0]["values"]] == [False, True, False]
    assert None not in answer["norm"][0]["values"]
