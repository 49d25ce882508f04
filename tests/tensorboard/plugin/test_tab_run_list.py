"""The list of runs at the side: the filter, the boxes, and what the page says when nothing is left."""

import pytest

ALL = ["agent=a2c,seed=0", "agent=a2c,seed=1", "agent=ppo,seed=0", "hand,seed=0", "hand,seed=1"]
VIEWS = ("overview", "layers", "moment", "whatif", "runs")


def cards(tab):
    tab.idle()
    return tab.frame.locator("section.card h2").all_inner_texts()


def listed(tab):
    return tab.frame.locator(".runs .name").all_inner_texts()


def write(tab, expression):
    tab.frame.get_by_label("filter runs by regular expression").fill(expression)


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("ppo", ALL[2:3]),
        ("seed=0$", ALL[::2][:2] + ALL[3:4]),
        ("^(?!.*a2c)", ALL[2:]),
        ("PPO|HAND", ALL[2:]),  # capitals count as small letters
        ("agent=a2c.seed", ALL[:2]),
        ("", ALL),
    ],
)
def test_the_filter_keeps_the_runs_that_a_regular_expression_finds(tab, expression, left):
    write(tab, expression)
    expected = [run for run in ALL if run in left]
    assert listed(tab) == expected
    assert cards(tab) == expected
    assert tab.state()["filter"] == expression


def test_an_expression_that_is_none_is_marked_and_hides_nothing(tab):
    write(tab, "ppo")
    write(tab, "ppo[")
    field = tab.frame.get_by_label("filter runs by regular expression")
    assert not field.evaluate("(field) => field.checkValidity()")
    assert field.evaluate("(field) => field.validationMessage") == "not a regular expression"
    border, accent = field.evaluate(
        """(field) => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.color = "var(--accent)";
          return [getComputedStyle(field).borderColor, getComputedStyle(probe).color];
        }"""
    )
    assert border == accent
    assert listed(tab) == cards(tab) == ALL
    write(tab, "ppo")
    assert field.evaluate("(field) => field.checkValidity()")
    assert cards(tab) == ALL[2:3]


def test_a_run_that_is_unchecked_has_no_card_and_comes_back_in_its_place(tab):
    box = tab.frame.get_by_label(ALL[1], exact=True).and_(tab.frame.get_by_role("checkbox"))
    box.uncheck()
    assert cards(tab) == [ALL[0], *ALL[2:]]
    assert listed(tab) == ALL
    assert tab.state()["hidden"] == [ALL[1]]
    box.check()
    assert cards(tab) == ALL


def test_all_and_none(tab):
    tab.frame.get_by_role("button", name="none").click()
    assert cards(tab) == []
    assert tab.frame.locator(".runs input:checked").count() == 0
    tab.frame.get_by_role("button", name="all").click()
    assert cards(tab) == ALL
    assert tab.frame.locator(".runs input:checked").count() == len(ALL)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_without_a_run_says_what_to_do_and_recovers(tab, view):
    if view != "whatif":  # the first answer takes TensorFlow
        tab.view(view)
    tab.frame.get_by_role("button", name="none").click()
    tab.view(view)
    words = tab.frame.locator("main .notice").inner_text()
    assert words.split("\n")[0] == "No run is chosen"
    assert "Choose some in the list, or change the filter above it." in words
    assert tab.frame.locator("main canvas:visible").count() == 0
    tab.frame.get_by_role("button", name="all").click()
    tab.idle()
    assert tab.frame.locator("main .notice").count() == 0
    assert tab.frame.locator("main canvas:visible").count() > 0


def test_a_filter_that_finds_nothing_says_what_to_do(tab):
    write(tab, "no such run")
    assert listed(tab) == cards(tab) == []
    assert "change the filter" in tab.frame.locator("main .notice").inner_text()


def test_the_views_of_one_run_keep_to_the_runs_that_are_chosen(tab):
    tab.view("layers")
    assert options(tab) == ALL
    write(tab, "hand")
    tab.idle()
    assert options(tab) == ALL[3:]
    assert tab.frame.get_by_label("run", exact=True).input_value() == ALL[3]


def options(tab):
    return tab.frame.get_by_label("run", exact=True).locator("option").all_inner_texts()
