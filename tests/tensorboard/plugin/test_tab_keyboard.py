"""The tab with a keyboard alone, and its announcements for screen readers."""

import pytest
from tab import parsed

ORDER = ["overview", "layers", "moment", "whatif", "runs"]


def press(tab, *keys):
    for key in keys:
        tab.page.keyboard.press(key)
    tab.idle()


def announced(tab):
    return tab.frame.locator("[aria-live]").inner_text()


def selected(tab):
    return tab.frame.evaluate(
        """() => {
          const tabs = [...document.querySelectorAll("[role=tab]")];
          const of = (key, value) => tabs.filter((tab) => tab[key] === value || tab.getAttribute(key) === value);
          return [of("aria-selected", "true"), of("tabIndex", 0), [document.activeElement]].map((found) =>
            found.map((tab) => tab.id.replace("tab-", "")).join(),
          );
        }"""
    )


def test_arrow_keys_cycle_through_the_tabs(tab):
    tab.frame.locator("#tab-overview").focus()
    for key, view in (("ArrowLeft", "runs"), ("ArrowRight", "overview"), ("ArrowRight", "layers")):
        press(tab, key)
        # Selected, the only one that the Tab key reaches, and in focus.
        assert selected(tab) == [view] * 3
        assert tab.state()["view"] == view
        assert tab.frame.locator("main").get_attribute("aria-labelledby") == f"tab-{view}"


def test_arrow_keys_read_a_chart_aloud_and_enter_opens_the_moment(tab):
    tab.canvas("Cosines").focus()
    press(tab, "ArrowRight")
    first = tab.tip()
    assert first[0] == "step 1000" or parsed(first[0].removeprefix("step ")) == 1_000
    assert announced(tab) == "; ".join(first)
    press(tab, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert announced(tab) == "; ".join(tab.tip())
    assert parsed(tab.tip()[0].removeprefix("step ")) == 2_000
    press(tab, "Enter")
    assert tab.state()["view"] == "moment"
    assert tab.state()["step"] == 2_000
    assert tab.tip() == []


def test_the_ends_of_a_chart_stop_the_cursor_and_escape_hides_it(tab):
    tab.canvas("Conflict").focus()
    press(tab, "ArrowLeft")
    assert parsed(tab.tip()[0].removeprefix("step ")) == 40_000
    press(tab, "ArrowRight")
    assert parsed(tab.tip()[0].removeprefix("step ")) == 40_000
    press(tab, "Escape")
    assert tab.tip() == []


def test_arrow_keys_go_over_the_heatmap_and_enter_picks_the_cell(tab):
    tab.view("layers")
    tab.canvas("Layers × time").focus()
    press(tab, "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft")
    layer, step, *_ = tab.tip()
    assert (layer, parsed(step.removeprefix("step "))) == ("torso/dense_1", 38_000)
    assert announced(tab) == "; ".join(tab.tip())
    press(tab, "Enter")
    assert (tab.state()["layer"], tab.state()["step"]) == ("torso/dense_1", 38_000)
    assert "torso/dense_1 at step 38000" in tab.frame.locator("main").inner_text()
    # The picture was redrawn, and the cursor is kept.
    press(tab, "ArrowUp")
    assert tab.tip()[0] == "torso/dense_0"


def test_arrow_keys_go_through_the_matrix_and_the_arrows(tab):
    tab.view("moment")
    tab.canvas("Cosines of the rows").focus()
    press(tab, "ArrowRight", "ArrowRight", "ArrowDown")
    assert tab.tip()[0] == "value · value"
    assert tab.tip()[1] == "cosine: 1"
    tab.canvas("Rows as arrows").focus()
    names = []
    for _ in range(6):
        press(tab, "ArrowRight")
        names.append(tab.tip()[0])
        assert announced(tab) == "; ".join(tab.tip())
    assert names == ["policy", "value", "entropy", "combined", "−applied", "policy"]


@pytest.mark.parametrize("view", ORDER)
def test_every_control_has_a_name(tab, view):
    tab.view(view)
    nameless = tab.frame.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas, [role=tab], summary")]
          .filter((node) => node.offsetParent)
          .filter((node) => ![node.ariaLabel, node.labels?.[0]?.textContent, node.textContent].join("").trim())
          .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    for canvas in tab.frame.locator("main canvas:visible").all():
        title, _, summary = canvas.get_attribute("aria-label").partition(". ")
        assert title
        assert summary.endswith("Arrow keys read numbers.")
