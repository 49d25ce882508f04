"""The sentence on a setting and its numbers, from Gramians worked out by hand."""

import numpy as np
import pytest
from gramian_logs import legend

from rl.tensorboard.plugin.facts import facts
from rl.tensorboard.plugin.sentence import describe
from rl.tensorboard.plugin.source import AGAINST_STEP, Series

OF = legend(layers=1, extra_rows=(AGAINST_STEP,))  # policy, value, entropy, and the step negated


def series(*moments, of=OF):
    """Of rows [moments][R, P]: one layer, and a moment every thousand steps."""
    arrays = np.array([[np.asarray(rows, float) @ np.asarray(rows, float).T] for rows in moments])
    return Series(of, 1000 * np.arange(1, len(moments) + 1), arrays, 0, 0)


def rows(value, step, policy=(1, 0), entropy=(0, 0)):
    return [policy, value, entropy, step]


def test_the_sentence_by_hand():
    """|value| = 130, |policy| = 1, at a right angle. The step is along the value's row but for 1/20 of it: against −Δw
    the policy has 1 · 1 and the value 0.5 · 130 · 20 = 1300, so that the value's share is 1300/1301.
    """
    some = series(rows((0, 130), (1, 20)))
    found = facts([some])
    assert (found.long, found.short, found.served) == ("value", "policy", "value")
    assert found.ratio == pytest.approx(130)
    assert found.weighted == pytest.approx(65)
    assert found.share == pytest.approx(-1300 / 1301)
    assert (found.lowered, found.cosine) == (1, 0)
    assert found.chance == pytest.approx(2 / np.sqrt(64))
    assert describe([some]) == (
        "The value's row is 130 × the policy's; 100 % of the applied step serves the value; cosine within chance.",
        "65 × with coefficients; the step lowers the value's loss at 100 % of the moments; "
        "cosine 0.00 (quartiles 0.00 and 0.00), chance ±0.25.",
    )


def test_rows_with_the_same_norm_that_conflict_and_a_step_that_works_against_one():
    """cos = −0.8; −Δw = (0, −1) has −0.6 with the value's row, and 0 with the policy's."""
    text, _ = describe([series(rows((-0.8, 0.6), (0, -1)))])
    assert text == (
        "The rows of policy and value have about the same norm; 100 % of the applied step works against the value; "
        "the two conflict (cosine −0.80)."
    )


def test_a_share_below_a_half_is_the_largest_of_several():
    """−Δw = (1, 2, 3): 1 · 1 for the policy, 0.5 · 1.25 · 2 for the value, 0.0085 · 50 · 3 for the entropy."""
    of = OF._replace(coefficients=(1.0, 0.5, 0.0085))
    some = [(1, 0, 0), (0, 1.25, 0), (0, 0, 50), (1, 2, 3)]  # 1, 1.25 and 1.275 of 3.525
    text, _ = describe([series(some, of=of)])
    assert "the applied step serves the entropy most (36 %);" in text


def test_rows_that_agree_at_some_moments_and_conflict_at_others_do_neither():
    """Cosines 0.8, 0.6, 0.6, −0.6, −0.8: the median is 0.6, and the quartiles are −0.6 and 0.6."""
    moments = [rows((x, np.sqrt(1 - x**2)), (0, 1)) for x in (0.8, 0.6, 0.6, -0.6, -0.8)]
    assert describe([series(*moments)])[0].endswith("the cosine changes its sign (median 0.60).")
    assert describe([series(*moments[:3])])[0].endswith("the two agree (cosine 0.60).")


def test_the_reference_row_may_be_the_longer_one_and_a_weak_cosine_is_no_conflict():
    text, _ = describe([series([(10, 0), (-0.09, 1), (0, 0), (1, 0)], of=OF._replace(sizes=(10_000,)))])
    assert text.startswith("The policy's row is 10 × the value's;")
    assert text.endswith("cosine hardly beyond chance (−0.09).")


def test_a_share_that_changes_its_sign_serves_no_objective():
    """−Δw = (1, s) with a value's row (0, 40) of coefficient ½: its share is −20 s / (1 + 20 |s|)."""
    moments = [rows((0, 40), (1, s)) for s in (1.0, -1.0, 0.5, -0.5, 0.05)]  # shares −20/21, 20/21, −10/11, 10/11, −½
    found = facts([series(*moments)])
    assert (found.served, found.lowered) == ("value", 0.6)
    assert found.share == pytest.approx(-0.5)
    assert found.shares == pytest.approx((-10 / 11, 10 / 11))
    assert (
        "; the value's share of the applied step changes its sign between moments (median −50 %);"
        in describe([series(*moments)])[0]
    )
    steady = [rows((0, 40), (1, s)) for s in (1.0, 1.0, 0.5, -0.5)]  # one moment of four is no change of sign
    assert "95 % of the applied step serves the value" not in describe([series(*steady)])[0]
    assert "93 % of the applied step serves the value" in describe([series(*steady)])[0]


def test_the_ratio_is_the_median_of_the_logged_one_whichever_row_is_longer():
    """|value| / |policy| is 1/4 and 1/8: its median is 3/16, and the policy's row is 16/3 times the value's, not 6."""
    found = facts([series(rows((0, 1), (1, 1), policy=(4, 0)), rows((0, 1), (1, 1), policy=(8, 0)))])
    assert (found.long, found.short) == ("policy", "value")
    assert (found.ratio, found.least, found.most) == pytest.approx((16 / 3,) * 3)
    assert (found.first, found.last) == pytest.approx((4, 8))


def test_a_row_that_vanishes_at_the_end_has_no_ratio_there():
    text, detail = describe([series(*(rows((0, x), (1, 1)) for x in (9, 9, 9, 0)))])
    assert text.startswith("The value's row is 9.0 × the policy's;")
    assert "9.0 × in the first quarter and 0.00 × in the last" in detail


def test_a_ratio_that_changes_is_told_at_both_ends_and_seeds_as_a_range():
    """Ratios 1000, 100, 10, 10 of one seed and 20 throughout of the other: medians 55 and 20, together 37.5."""
    moving = series(*(rows((0, x), (0, 1)) for x in (1000, 100, 10, 10)))
    steady = series(*(rows((0, 20), (0, 1)) for _ in range(4)))
    assert describe([moving])[1].startswith("1\u202f000 × in the first quarter and 10 × in the last;")
    text, detail = describe([moving, steady])
    assert text.startswith("The value's row is 38 × the policy's;")
    assert detail.startswith("20 × to 55 × over 2 runs;")


SIX = ("q_0", "q_1", "policy", "temperature", "model", "reward")


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        # All six lead a group: the longest row and the reference, which is the first.
        ({name: (name,) for name in SIX}, "q_1's row is 17 × q_0's; cosine within chance."),
        # q_1 does not lead its group, and of policy, q_0 and model the last is the longest.
        (
            {"actor": ("policy", "temperature"), "critic": ("q_0", "q_1"), "dynamics": ("model", "reward")},
            "The model's row is 2.3 × q_0's; cosine within chance.",
        ),
        # The reference leads no group: the two longest of those that do, and of those in no group.
        ({"actor": ("policy",), "critic": ("q_1", "q_0")}, "q_1's row is 7.1 × the model's; cosine within chance."),
        (
            {"actor": ("policy",), "critic": ("q_1", "q_0", "temperature", "model", "reward")},
            "q_1's row is 25 × the policy's; cosine within chance.",
        ),
        # One group leaves nothing to compare: all objectives are candidates.
        ({"all": SIX}, "q_1's row is 17 × q_0's; cosine within chance."),
    ],
)
def test_the_longest_leading_objective_is_compared_with_the_reference(groups, text):
    of = legend(layers=1, objectives=SIX, extra_rows=())._replace(groups=groups)
    assert describe([series(np.diag([3.0, 50.0, 2.0, 0.1, 7.0, 1.0]), of=of)])[0] == text


def test_a_setting_without_two_rows_says_so():
    one = legend(layers=1, objectives=("value",), extra_rows=())
    assert describe([series([(1, 2)], of=one)])[0] == "Only the value has a row on the torso."
    assert describe([series(rows((0, 0), (0, 0)))])[0] == "No two rows have a norm above 0."
    nothing = Series(OF, np.zeros(0, int), np.zeros((0, 1, 4, 4)), 3, 0)
    assert describe([nothing])[0] == "No two rows have a norm above 0."
    broken = series(rows((0, 130), (1, 20)))._replace(gramians=np.full((1, 1, 4, 4), np.nan))
    assert describe([broken])[0] == "No two rows have a norm above 0."


def test_moments_and_seeds_that_are_broken_do_not_count():
    good = series(rows((0, 130), (1, 20)), rows((0, 130), (1, 20)))
    arrays = good.gramians.copy()
    arrays[1] = np.inf
    broken = good._replace(gramians=np.full_like(arrays, np.nan))
    assert describe([good._replace(gramians=arrays), broken])[0] == describe([good])[0]


def test_a_name_that_is_no_word_has_no_article():
    names = ("policy", "q_0", "entropy")
    of = legend(layers=1, objectives=names, extra_rows=(AGAINST_STEP,))
    text, details = describe([series(rows((0, 130), (1, 20)), of=of)])
    assert text.startswith("q_0's row is 130 × the policy's; 100 % of the applied step serves q_0;")
    assert "the step lowers q_0's loss" in details
