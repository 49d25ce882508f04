"""Light and dark, smoothing, extra rows, and choices that survive a reload."""

import csv
import io
import json

import pytest
from tab import PIXEL

WHITE, GREY = [255, 255, 255], [0x30, 0x30, 0x30]
HOST = """(theme) => {
  const settings = JSON.parse(localStorage.getItem("_tb_global_settings") ?? "{}");
  localStorage.setItem("_tb_global_settings", JSON.stringify({ ...settings, theme }));
}"""


def background(tab):
    """The background colours of the page and of a canvas."""
    page = tab.frame.evaluate("getComputedStyle(document.body).backgroundColor")
    canvas = tab.canvas("Norms of the rows")
    return [int(channel) for channel in page[4:-1].split(",")], canvas.evaluate(PIXEL, [2, 100])


@pytest.fixture
def dark_host(tab):
    tab.page.evaluate(HOST, "dark")
    tab.open()
    yield tab
    tab.page.evaluate(HOST, "light")
    tab.open()


def test_the_tab_follows_tensorboards_theme_unless_one_is_chosen(dark_host):
    tab = dark_host
    assert background(tab) == (GREY, GREY)
    tab.choose("colours", "light")
    assert background(tab) == (WHITE, WHITE)
    tab.choose("colours", "dark")
    assert background(tab) == (GREY, GREY)


def test_a_change_of_tensorboards_theme_is_followed_while_the_tab_is_open(tab):
    assert background(tab) == (WHITE, WHITE)
    for name, expected in (("Dark", GREY), ("Light", WHITE)):
        tab.page.get_by_label("Menu for changing light or dark theme").click()
        tab.page.get_by_role("menuitemradio", name=name, exact=True).or_(
            tab.page.get_by_role("menuitem", name=name, exact=True)
        ).click()
        tab.page.wait_for_timeout(300)
        assert background(tab) == (expected, expected)
    tab.choose("colours", "dark")
    assert background(tab) == (GREY, GREY)


def numbers(tab):
    return list(csv.reader(io.StringIO(tab.save(tab.canvas("Norms of the rows"), "CSV")[1].decode())))


def picture(tab):
    return tab.save(tab.canvas("Norms of the rows"), "SVG")[1].decode()


def test_smoothing_changes_the_line_and_not_the_numbers(tab):
    tab.restart(filter="ppo", smoothing=0)
    numbers_before, picture_before = numbers(tab), picture(tab)
    lines = picture_before.count("<path")
    tab.frame.get_by_label("smoothing", exact=True).fill("0.9")
    tab.idle()
    assert tab.state()["smoothing"] == 0.9
    assert numbers(tab) == numbers_before
    smooth = picture(tab)
    assert smooth != picture_before
    assert smooth.count("<path") == lines + 3  # the raw numbers stay behind each of the three lines
    assert smooth.count('opacity="0.25"') == 3
    tab.frame.get_by_label("smoothing", exact=True).fill("0")
    tab.idle()
    assert picture(tab) == picture_before


def test_extra_rows_are_added_to_the_charts(tab):
    tab.restart(filter="a2c,seed=0")
    before = numbers(tab)[0]
    tab.frame.get_by_label("extra rows").check()
    assert numbers(tab)[0] == [*before, "combined", "clipped", "−applied"]
    tab.frame.get_by_label("extra rows").uncheck()
    assert numbers(tab)[0] == before
    tab.view("moment")
    assert ">clipped<" not in tab.save(tab.canvas("Rows as arrows"), "SVG")[1].decode()
    tab.frame.get_by_label("extra rows").check()
    assert ">clipped<" in tab.save(tab.canvas("Rows as arrows"), "SVG")[1].decode()


def test_arrows_are_unit_vectors_or_as_long_as_the_rows(tab):
    tab.view("moment")
    equal = tab.save(tab.canvas("Rows as arrows"), "SVG")[1]
    tab.frame.get_by_label("unit arrows").uncheck()
    tab.idle()
    assert tab.state()["unit"] is False
    assert tab.save(tab.canvas("Rows as arrows"), "SVG")[1] != equal


def test_choices_survive_a_reload(tab):
    tab.frame.get_by_label("filter runs by regular expression").fill("seed=0")
    tab.frame.get_by_label("hand,seed=0", exact=True).and_(tab.frame.get_by_role("checkbox")).uncheck()
    tab.frame.get_by_label("smoothing", exact=True).fill("0.5")
    tab.frame.get_by_label("extra rows").check()
    tab.frame.locator("summary").click()
    tab.view("layers")
    tab.choose("run", "agent=ppo,seed=0")
    tab.choose("quantity", "ratio")
    tab.choose("over", "through_target")
    tab.click(tab.canvas("Layers × time"), 0.6, 0.5)
    tab.choose("colours", "dark")
    before, numbers_before = tab.state(), tab.save(tab.canvas("Layers × time"), "CSV")
    tab.open()
    assert tab.state() == before
    assert before | {"quantity": "ratio", "hidden": ["hand,seed=0"], "help": False, "extra": True} == before
    assert before["layer"] == "torso/dense_2"
    assert tab.save(tab.canvas("Layers × time"), "CSV") == numbers_before
    assert tab.frame.locator("details").get_attribute("open") is None
    assert tab.frame.locator("html.dark").count() == 1


@pytest.mark.parametrize(
    "kept", ["no JSON", "null", "[]", '{"view":"__proto__","hidden":"x","step":{},"smoothing":"a"}']
)
def test_an_invalid_stored_state_is_replaced_by_the_default(tab, kept):
    tab.frame.evaluate("(kept) => localStorage.setItem('gradients /', kept)", kept)
    tab.open()
    assert tab.frame.locator("#tab-overview").get_attribute("aria-selected") == "true"
    assert tab.frame.locator("section.card").count() == 3


def test_an_unknown_view_is_replaced_by_the_overview(tab):
    for view in ("toString", "constructor", "nothing"):
        tab.restart(view=view)
        assert tab.frame.locator("#tab-overview").get_attribute("aria-selected") == "true", json.dumps(view)
