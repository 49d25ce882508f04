"""The list of runs at the side: the filter, the checkboxes, and the message when no run is left."""

import pytest

ALL = ["agent=a2c,seed=0", "agent=a2c,seed=1", "agent=ppo,seed=0", "hand,seed=0", "hand,seed=1"]
VIEWS = ("overview", "layers", "moment", "whatif", "runs")


def cards(tab):
    tab.idle()
    return tab.frame.locator("section.card h2").all_inner_texts()


def listed(tab):
    """The runs that have a checkbox of their own."""
    return tab.frame.locator(".runs input[aria-label]").evaluate_all("(boxes) => boxes.map((box) => box.ariaLabel)")


def settings(runs):
    return [name for name in ("agent=a2c", "agent=ppo", "hand") if any(run.startswith(name) for run in runs)]


def write(tab, expression):
    tab.frame.get_by_label("filter runs by regular expression").fill(expression)


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("ppo", ALL[2:3]),
        ("seed=0$", ALL[::2][:2] + ALL[3:4]),
        ("^(?!.*a2c)", ALL[2:]),
        ("PPO|HAND", ALL[2:]),  # upper and lower case are not distinguished
        ("agent=a2c.seed", ALL[:2]),
        ("", ALL),
    ],
)
def test_the_filter_keeps_the_runs_that_a_regular_expression_finds(tab, expression, left):
    write(tab, expression)
    expected = [run for run in ALL if run in left]
    assert listed(tab) == expected
    assert cards(tab) == settings(expected)
    assert tab.state()["filter"] == expression


def test_an_invalid_expression_is_marked_and_hides_nothing(tab):
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
    assert (listed(tab), cards(tab)) == (ALL, settings(ALL))
    write(tab, "ppo")
    assert field.evaluate("(field) => field.checkValidity()")
    assert cards(tab) == ["agent=ppo"]


def test_unchecking_seeds_removes_them_from_their_setting_and_in_the_end_the_setting(tab):
    def box(name):
        return tab.frame.get_by_label(name, exact=True).and_(tab.frame.get_by_role("checkbox"))

    card = tab.frame.locator('section[aria-label="agent=a2c"]')
    assert "sum · 2 runs" in card.inner_text()
    box(ALL[1]).uncheck()
    tab.idle()
    assert listed(tab) == ALL
    assert tab.state()["hidden"] == [ALL[1]]
    assert "2 runs" not in card.inner_text()
    assert box("agent=a2c").evaluate("(box) => box.indeterminate")
    box("agent=a2c").uncheck()
    assert cards(tab) == settings(ALL)[1:]
    assert tab.state()["hidden"] == ALL[:2]
    box("agent=a2c").check()
    assert cards(tab) == settings(ALL)


def test_all_and_none(tab):
    tab.frame.get_by_role("button", name="none").click()
    assert cards(tab) == []
    assert tab.frame.locator(".runs input:checked").count() == 0
    tab.frame.get_by_role("button", name="all").click()
    assert cards(tab) == settings(ALL)
    assert tab.frame.locator(".runs input:not(:checked)").count() == 0


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_without_a_run_says_what_to_do_and_recovers(tab, view):
    if view != "whatif":  # the first answer waits for TensorFlow
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


def test_the_views_of_one_run_offer_the_chosen_runs_alone(tab):
    tab.view("layers")
    assert options(tab) == ALL
    write(tab, "hand")
    tab.idle()
    assert options(tab) == ALL[3:]
    assert tab.frame.get_by_label("run", exact=True).input_value() == ALL[3]


def options(tab):
    return tab.frame.get_by_label("run", exact=True).locator("option").evaluate_all("(all) => all.map((x) => x.value)")
