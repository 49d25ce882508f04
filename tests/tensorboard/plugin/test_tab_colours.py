"""The page's colours: enough contrast, in light and in dark, and styles that differ."""

import re

import pytest

TEXT, GRAPHICS = 4.5, 3.0  # WCAG 2.1, success criteria 1.4.3 and 1.4.11


def luminance(color):
    """Relative luminance of #rrggbb or rgb(r, g, b), WCAG 2.1."""
    channels = [int(color[k : k + 2], 16) for k in (1, 3, 5)] if color[0] == "#" else re.findall(r"\d+", color)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (int(x) / 255 for x in channels)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand():
    """Luminances 0 and 1: (1 + 0.05) / (0 + 0.05) = 21; #777777, as the recommendation's examples have it: 4.48."""
    assert contrast("#000000", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.fixture(params=["light", "dark"])
def colors(request, opened):
    code = """async (choice) => (await import("/data/plugin/gradients/theme.js")).theme(choice)"""
    return opened.frame.evaluate(code, request.param)


def test_text_can_be_read(colors):
    for key in ("text", "faint"):
        assert contrast(colors[key], colors["background"]) >= TEXT, key


def test_lines_can_be_seen_and_told_apart(colors):
    for palette in ("series", "pairs", "runs"):
        for color in colors[palette]:
            assert contrast(color, colors["background"]) >= GRAPHICS, (palette, color)
        assert len(set(colors[palette])) == len(colors[palette]) >= 8
    assert not set(colors["series"]) & set(colors["pairs"])  # a row's line differs from the lines of its pairs
    assert contrast(colors["faint"], colors["nothing"]) >= TEXT
    for end in colors["ends"]:
        assert contrast(end, colors["middle"]) >= GRAPHICS


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_around_the_pictures_can_be_read(tab, theme):
    tab.restart(theme=theme, filter="none of them")
    code = """(names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue(name))"""
    names = ["--text", "--faint", "--accent", "--background", "--raised"]
    text, faint, accent, *grounds = tab.frame.evaluate(code, names)
    for color in (text, faint, accent):
        for ground in grounds:
            assert contrast(color, ground) >= TEXT, (color, ground)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_on_colours_can_be_read(opened, theme):
    code = """async (choice) => {
      const { theme, diverging, sequential, readableOn } = await import("/data/plugin/gradients/theme.js");
      const places = Array.from({ length: 101 }, (_, k) => k / 100);
      const colors = places.flatMap((x) => [diverging(theme(choice), 2 * x - 1), sequential(x)]);
      return colors.map((color) => [color, readableOn(color)]);
    }"""
    for color, text in opened.frame.evaluate(code, theme):
        assert contrast(color, text) >= TEXT, color


def test_a_number_becomes_the_colour_between_its_neighbours(opened):
    code = """async () => {
      const { theme, diverging, sequential } = await import("/data/plugin/gradients/theme.js");
      const colors = { ends: ["#000000", "#0000ff"], middle: "#ffffff" };
      return [-1, -0.5, 0, 0.5, 1, 7].map((x) => diverging(colors, x)).concat([0, 0.25, 1].map(sequential));
    }"""
    assert opened.frame.evaluate(code) == [
        "rgb(0, 0, 0)",
        "rgb(128, 128, 128)",  # half-way between black and white
        "rgb(255, 255, 255)",
        "rgb(128, 128, 255)",
        "rgb(0, 0, 255)",
        "rgb(0, 0, 255)",
        "rgb(68, 1, 84)",  # viridis: its start, its second stop, its end
        "rgb(59, 82, 139)",
        "rgb(253, 231, 37)",
    ]


@pytest.fixture
def row_styles(opened):
    """The styles of m objectives and of other rows, and the palette of rows."""
    code = """async ([m, extra]) => {
      const { theme, rowStyle } = await import("/data/plugin/gradients/theme.js");
      const colors = theme("light");
      const rows = Array.from({ length: m + extra }, (_, k) => `row ${k}`);
      return [rows.map((row) => rowStyle(colors, row, rows, m)), colors.series];
    }"""
    return lambda m, extra: opened.frame.evaluate(code, [m, extra])


def test_three_objectives_have_the_first_colours_and_extra_rows_the_other_ones_with_dashes(row_styles):
    styles, palette = row_styles(3, 7)
    assert styles[:3] == [{"color": color, "dash": []} for color in palette[:3]]
    assert styles[3:9] == [{"color": color, "dash": [6, 3]} for color in palette[3:]]
    assert styles[9] == {"color": palette[3], "dash": [2, 3]}


@pytest.mark.parametrize(("m", "extra"), [(1, 9), (3, 11), (6, 12), (8, 20), (9, 20), (12, 18)])
def test_no_two_rows_look_alike(row_styles, m, extra):
    styles, _ = row_styles(m, extra)
    assert len({(style["color"], tuple(style["dash"])) for style in styles}) == m + extra


def test_no_two_settings_look_alike(opened):
    code = """async () => {
      const { theme, lineStyle } = await import("/data/plugin/gradients/theme.js");
      return Array.from({ length: 32 }, (_, k) => lineStyle(theme("light").runs, k));
    }"""
    styles = opened.frame.evaluate(code)
    assert len({(style["color"], tuple(style["dash"])) for style in styles}) == 32
