"""The five views in a real browser: figures are drawn, and the numbers under the pointer are the routes'."""

import pytest
from tab import COLOURS, PIXEL, drawn, parsed

DIGITS = 6e-3  # the page writes three significant digits
A2C, PPO, HAND = "agent=a2c,seed=0", "agent=ppo,seed=0", "hand,seed=0"


@pytest.mark.parametrize(
    ("view", "figures"),
    # Six charts for each of three settings; of one run, with three layers: two large figures, and a small one for each
    # layer and for all of them.
    [("overview", 3 * 6), ("layers", 3), ("moment", 2 + 4), ("whatif", 2), ("runs", 1)],
)
def test_every_figure_of_a_view_is_drawn(tab, view, figures):
    tab.view(view)
    canvases = tab.frame.locator("main canvas:visible").all()
    assert len(canvases) == figures
    for canvas in canvases:
        assert drawn(canvas).evaluate(COLOURS) > 12, canvas.get_attribute("aria-label")
    assert tab.frame.locator(".error").count() == 0


def test_a_chart_shows_the_numbers_of_the_step_under_the_pointer(tab):
    tab.restart(filter=A2C, smoothing=0)
    (answer,) = tab.ask("overview", run=A2C, points=200)["settings"]
    norms = tab.canvas("Norms of the rows")
    for x, step in ((0.14, 1_000), (0.97, 40_000), (0.6, None)):
        head, *lines = tab.hover(norms, x, 0.5)
        at = answer["steps"].index(int(parsed(head.removeprefix("step "))))
        assert step in (answer["steps"][at], None)
        names, values = zip(*(line.split(": ") for line in lines), strict=True)
        assert names == ("policy", "value", "entropy")
        expected = [line["values"][at] for line in answer["norm"] if not line["extra"]]
        assert [parsed(value) for value in values] == pytest.approx(expected, rel=DIGITS)
    tab.page.mouse.move(0, 0)
    assert tab.tip() == []


def test_the_heatmap_shows_the_number_of_the_cell_under_the_pointer(tab):
    tab.view("layers")
    answer = tab.ask("layers", run=A2C, quantity="cosine", a="policy", b="value", points=300)
    heat = tab.canvas("Layers × time")
    found = set()
    for x, y in ((0.15, 0.1), (0.6, 0.4), (0.94, 0.8)):
        layer, step, value, size, band = tab.hover(heat, x, y)
        l, t = answer["layers"].index(layer), answer["steps"].index(int(parsed(step.removeprefix("step "))))
        found.add((l, t))
        name, number = value.split(": ")
        assert name == "cosine of policy and value"
        assert parsed(number) == pytest.approx(answer["values"][l][t], rel=DIGITS)
        assert size == f"{answer['sizes'][l]} weights"
        assert parsed(band.removeprefix("null band ")) == pytest.approx(answer["null_bands"][l], rel=DIGITS)
    assert {(0, 0), (2, 39)} < found  # the corners are the first and the last cell


def test_the_heatmap_has_the_colours_of_its_legend(tab):
    tab.view("layers")
    tab.choose("run", HAND)
    heat = tab.canvas("Layers × time")
    width, height = heat.evaluate("(canvas) => [canvas.clientWidth, canvas.clientHeight]")
    agree, conflict = (heat.evaluate(PIXEL, [width / 2, y]) for y in (height * 0.2, height * 0.6))
    assert agree == [0x21, 0x66, 0xAC]  # cosine 1: the blue end
    assert conflict == [0xB2, 0x18, 0x2B]  # cosine −1: the red one


def test_the_matrix_and_the_arrows_show_the_moments_numbers(tab):
    tab.view("moment")
    answer = tab.ask("moment", run=A2C)
    pair, cosine = tab.hover(tab.canvas("Cosines of the rows"), 0.25, 0.3)
    a, b = (answer["rows"].index(name) for name in pair.split(" · "))
    assert parsed(cosine.removeprefix("cosine: ")) == pytest.approx(answer["total"]["cosines"][a][b], rel=DIGITS)
    arrows = tab.canvas("Rows as arrows")
    name, length, inside = tab.hover(arrows, 0.5, 0.3)  # the first objective points straight up
    assert name == "policy"
    assert parsed(length.removeprefix("norm ")) == pytest.approx(answer["total"]["norms"][0], rel=DIGITS)
    assert parsed(inside.removesuffix(" of it in this plane")) == pytest.approx(
        answer["total"]["plane"][0][2], abs=0.005
    )


def test_a_click_on_a_cell_changes_layer_and_moment_and_one_on_a_name_the_layer_alone(tab):
    tab.view("layers")
    heat = tab.canvas("Layers × time")
    layer, step, *_ = tab.hover(heat, 0.6, 0.4)
    tab.click(heat, 0.6, 0.4)
    state = tab.state()
    assert (layer, state["layer"], f"step {state['step'] // 1000}\u202f000") == ("torso/dense_1", layer, step)
    assert tab.canvas(f"Rows of {layer} at step {state['step']}").is_visible()
    assert tab.canvas(f"cosine of policy and value: {layer}").is_visible()
    assert bold(tab, heat) == [layer]
    assert tab.hover(heat, 0.05, 0.7) == ["torso/dense_2", "192 weights"]
    tab.click(heat, 0.05, 0.7)
    assert tab.state() == state | {"layer": "torso/dense_2"}
    assert bold(tab, heat) == ["torso/dense_2"]
    tab.frame.get_by_text("Show all of this moment").click()
    tab.idle()
    assert tab.frame.get_by_label("layer", exact=True).input_value() == "torso/dense_2"
    assert f"step {state['step'] // 1000}\u202f000" in tab.frame.locator(".steps").inner_text()


def bold(tab, canvas):
    _, content = tab.save(canvas, "SVG")
    return [line.split(">")[1].split("<")[0] for line in content.decode().splitlines() if 'font-weight="bold"' in line]


def test_a_click_on_an_overview_chart_opens_that_moment(tab):
    card = 'section[aria-label="agent=ppo"]'
    shares = tab.canvas("Share of the applied step", within=card)
    (line, *_) = tab.hover(shares, 0.6, 0.5)
    tab.click(shares, 0.6, 0.5)
    assert tab.frame.locator("#tab-moment").get_attribute("aria-selected") == "true"
    assert line in tab.frame.locator(".steps").inner_text()
    assert tab.frame.get_by_label("run", exact=True).input_value() == PPO
    assert tab.state()["step"] == parsed(line.removeprefix("step "))
    assert tab.tip() == []  # the chart that it belonged to is gone


def test_the_moments_can_be_stepped_through(tab):
    tab.view("moment")
    steps = tab.frame.locator(".steps")
    before, after = (tab.frame.get_by_label(label) for label in ("previous moment", "next moment"))
    assert after.is_disabled()
    before.click()
    tab.idle()
    assert "(39 of 40)" in steps.inner_text()
    after.click()
    tab.idle()
    assert "(40 of 40)" in steps.inner_text()
    tab.frame.get_by_label("step", exact=True).fill("1000")
    tab.idle()
    assert "(1 of 40)" in steps.inner_text()
    assert before.is_disabled()
    tab.frame.get_by_text("newest").click()
    tab.idle()
    assert tab.state()["step"] is None
    assert "(40 of 40)" in steps.inner_text()
