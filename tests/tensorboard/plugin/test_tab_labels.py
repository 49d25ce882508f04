"""Texts in the figures can be read at every width, and a long computation is announced."""

import re

import pytest
from labels import crowded
from tab import SIZE

PPO = "agent=ppo,seed=0"
WHAT_IF = re.compile(r"/whatif\?")
VIEWS = ("overview", "layers", "moment", "whatif", "runs")


@pytest.fixture(params=[900, 1440])
def narrow(tab, request):
    tab.page.set_viewport_size(SIZE | {"width": request.param})
    yield tab
    tab.page.set_viewport_size(SIZE)


def test_no_label_is_on_another_or_on_an_arrow(narrow):
    for extra in (False, True):
        narrow.restart(run=PPO, extra=extra)
        for view in VIEWS:
            narrow.view(view)
            assert crowded(narrow) == [], (view, extra)


def test_a_label_on_another_is_found(tab):
    tab.view("moment")
    tab.frame.evaluate(
        """() => {
          const { figure } = document.querySelector("main canvas");
          const { draw } = figure.model;
          figure.model.draw = (ctx, width, height, ...others) => {
            draw(ctx, width, height, ...others);
            ctx.textAlign = "center";
            for (const text of ["here", "there"]) ctx.fillText(text, width / 2, height / 2);
          };
        }"""
    )
    found = crowded(tab)
    assert any("here on there" in fault for fault in found)
    assert any("here on an arrow" in fault for fault in found)


def test_the_card_has_the_sentence_and_sparklines_and_opens(tab):
    card = tab.frame.locator('section[aria-label="agent=ppo"]')
    (answer,) = tab.ask("overview", run=PPO)["settings"]
    assert answer["sentence"].startswith("The value's row is ")
    assert card.locator(".sentence").inner_text() == answer["sentence"]
    assert card.locator(".spark").count() == 2  # the ratio and the share; no return was logged
    button = card.get_by_role("button", name="agent=ppo")
    for is_open in (True, False):
        assert button.get_attribute("aria-expanded") == str(is_open).lower()
        assert card.locator("canvas:visible").count() == 6 * is_open
        assert card.get_by_text(answer["detail"]).is_visible() == is_open
        button.click()
    button.click()
    assert tab.state()["toggled"] == ["agent=ppo"]
    tab.open()
    card = tab.frame.locator('section[aria-label="agent=ppo"]')
    assert card.locator("canvas:visible").count() == 0


def test_what_if_says_what_the_groups_are_and_that_it_computes(tab):
    held = []
    tab.page.route(WHAT_IF, lambda route: held.append(route))  # noqa: PLW0108 (Playwright takes no built-in function)
    try:
        tab.frame.locator("#tab-whatif").click()
        waiting = tab.frame.locator(".waiting:visible")
        waiting.wait_for()
        assert "Computing what every combiner would have done" in waiting.inner_text()
        assert tab.frame.locator("main").get_attribute("aria-busy") == "true"
        assert tab.frame.get_by_label("run", exact=True).is_enabled()  # another run may be chosen meanwhile
    finally:
        for route in held:
            route.continue_()
        tab.page.unroute(WHAT_IF)
    tab.idle()
    assert waiting.count() == 0
    assert (
        "Combiners weight groups: actor = policy + 0.01 entropy; critic = 0.5 value. "
        "entropy is part of the group actor and gets no weight of its own."
    ) in tab.frame.locator("main").inner_text()
