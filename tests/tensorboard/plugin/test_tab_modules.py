"""The page's modules with numbers worked out by hand: formats, scales, smoothing, the SVG writer."""

import math

import pytest

INFINITY, NAN = math.inf, math.nan


@pytest.fixture
def call(opened):
    """Calls a function of a module in the browser: call("format", "number", 0.5)."""

    def called(module, function, *arguments):
        code = """async ([module, name, given]) =>
          (await import(`/data/plugin/gradients/${module}.js`))[name](...given)"""
        return opened.frame.evaluate(code, [module, function, list(arguments)])

    return called


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (1, "1"),
        (-0.5, "−0.5"),
        (0.12345, "0.123"),
        (1234.5, "1230"),
        (-98765, "−98800"),
        (123456, "1.23e5"),
        (0.001, "0.001"),
        (0.000999, "9.99e−4"),
        (-1.5e-12, "−1.5e−12"),
        (1e300, "1e300"),
        (None, "–"),
        (NAN, "–"),
        (-INFINITY, "–"),
    ],
)
def test_number_has_three_digits(call, x, text):
    assert call("format", "number", x) == text


@pytest.mark.parametrize(
    ("x", "text"), [(0, "0 %"), (0.5, "50 %"), (1, "100 %"), (0.025, "2.5 %"), (-0.3, "−30 %"), (None, "–"), (NAN, "–")]
)
def test_percent(call, x, text):
    assert call("format", "percent", x) == text


@pytest.mark.parametrize(("x", "text"), [(0, "0"), (999, "999"), (1234567, "1\u202f234\u202f567")])
def test_whole_sets_thousands_apart(call, x, text):
    assert call("format", "whole", x) == text


@pytest.mark.parametrize(
    ("x", "text"), [(0, "0"), (9_999, "9999"), (10_000, "10k"), (12_340, "12.3k"), (1_200_000, "1.2M")]
)
def test_steps_are_short(call, x, text):
    assert call("format", "steps", x) == text


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("torso/dense_0", 13, "torso/dense_0"), ("torso/dense_0", 7, "tor…e_0"), ("torso/dense_0", 6, "tor…_0")],
)
def test_a_text_is_shortened_in_its_middle(opened, text, width, expected):
    code = """async ([text, width]) =>
      (await import("/data/plugin/gradients/format.js")).fitted(text, width, (words) => words.length)"""
    assert opened.frame.evaluate(code, [text, width]) == expected


def test_csv_quotes_texts_and_disables_formulas(call):
    rows = [["plain", -1.5, None], ['a "b", c', "two\nlines", "=1+1"], ["+1", "-1", "@x"], ["\ttab", "−applied", 0]]
    assert call("format", "csv", ["step", "=name"], rows).split("\n") == [
        "step,'=name",
        "plain,-1.5,",
        '"a ""b"", c","two',
        "lines\",'=1+1",
        "'+1,'-1,'@x",
        "'\ttab,−applied,0",
        "",
    ]


@pytest.mark.parametrize(
    ("low", "high", "log", "count", "expected"),
    [
        (0, 1, False, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-1, 1, False, 4, [-1, -0.5, 0, 0.5, 1]),
        (1_000, 40_000, False, 3, [20_000, 40_000]),
        (0.5, 3.2, False, 1, []),  # the next unit is 5
        (1, 1_000, True, 10, [1, 10, 100, 1_000]),
        (1, 1_000, True, 2, [1, 100]),
        (7, 15, True, 8, [7, 8, 9, 10, 11, 12, 13, 14, 15]),  # less than a decade: as on a linear scale
        (3, 3, False, 5, []),
    ],
)
def test_ticks_are_round_numbers(call, low, high, log, count, expected):
    assert call("scales", "ticks", {"low": low, "high": high, "log": log}, count) == pytest.approx(expected)


@pytest.mark.parametrize(("low", "high"), [(9e18, 9e18 + 1024), (-1.7e308, 1.7e308), (1e20, 1e20 + 16384)])
def test_ticks_end_where_a_unit_is_less_than_a_floats_last_digit(call, low, high):
    assert call("scales", "ticks", {"low": low, "high": high, "log": False}, 6) == []


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, INFINITY), (0, INFINITY)])
def test_ticks_end_where_a_logarithm_does_not(call, low, high):
    assert call("scales", "ticks", {"low": low, "high": high, "log": True}, 6) == []


@pytest.mark.parametrize(
    ("log", "x", "pixel"),
    [
        (False, 0, -1 / 9 * 200 + 100),
        (False, 1, 100),
        (False, 10, 300),
        (False, 5.5, 200),
        (True, 10, 300),
        (True, math.sqrt(10), 200),
        (True, 0, None),
        (True, -1, None),
        (False, None, None),
        (False, INFINITY, None),
    ],
)
def test_a_scale_from_1_to_10_on_the_pixels_from_100_to_300(opened, log, x, pixel):
    code = """async ([log, x]) => {
      const { scale } = await import("/data/plugin/gradients/scales.js");
      const place = scale(1, 10, 100, 300, log);
      return [place(x), place(x) === null ? null : place.inverse(place(x))];
    }"""
    at, back = opened.frame.evaluate(code, [log, x])
    assert at == (None if pixel is None else pytest.approx(pixel))
    assert back == (None if pixel is None else pytest.approx(x))


def test_extent_and_padded(call):
    assert call("scales", "extent", [[3, None, NAN], [-1, INFINITY]]) == [-1, 3]
    assert call("scales", "extent", [[3, 0, -1]], True) == [3, 3]
    assert call("scales", "extent", [[None], []]) is None
    assert call("scales", "padded", [0, 10]) == [-0.5, 10.5]
    assert call("scales", "padded", [4, 4]) == pytest.approx([3.8, 4.2])
    assert call("scales", "padded", [0, 0]) == [-0.05, 0.05]
    assert call("scales", "padded", [6, 6], True) == [3, 12]
    assert call("scales", "padded", [1, 100], True) == pytest.approx([1 / 1.2, 120])


def test_smoothing_by_hand(call):
    """s_n = w s_{n−1} + (1 − w) x_n, divided by 1 − wⁿ; here w = ½."""
    assert call("smoothing", "smoothed", [1, 2, None, 3], 0.5) == pytest.approx([1, 1.25 / 0.75, None, 2.125 / 0.875])
    assert call("smoothing", "smoothed", [5, 5, 5], 0.9) == pytest.approx([5, 5, 5])
    assert call("smoothing", "smoothed", [1, None, 2], 0) == [1, None, 2]


def test_on_a_logarithmic_axis_the_logarithms_are_smoothed(call):
    """w = ½: of 100 and 1 the weights are ⅓ and ⅔, so that 100^⅓; what is not positive is a gap."""
    found = call("smoothing", "smoothed", [100, 1, 0, -3, None, 1], 0.5, True)
    assert found == pytest.approx([100, 100 ** (1 / 3), None, None, None, 100 ** (1 / 7)])
    line = call("smoothing", "smoothedLine", {"values": [4, 1], "low": [1, 1], "high": [100, 1]}, 0.5, True)
    assert line["values"] == pytest.approx([4, 4 ** (1 / 3)])
    assert line["high"] == pytest.approx([100, 100 ** (1 / 3)])
    assert (line["raw"], line["rawHigh"]) == ([4, 1], [100, 1])


def test_smoothing_follows_a_run_that_falls_by_decades(call):
    """From 900 to about 1 in ten points: the smoothed line ends within the range of the last points, not above it."""
    values = [900, 60, 8, 1.8, 0.5, 0.02, 0.3, 1.1, 0.08, 0.4]
    (log, linear) = (call("smoothing", "smoothed", values, 0.6, log)[-1] for log in (True, False))
    weights = [0.6**k for k in range(9, -1, -1)]
    expected = math.exp(sum(w * math.log(x) for w, x in zip(weights, values, strict=True)) / sum(weights))
    assert log == pytest.approx(expected)
    assert 0.08 < log < 1.1
    assert linear > 4


def test_the_swatch_of_a_setting_has_the_gaps_of_its_line(opened):
    """Eight colours and four dashes: 32 settings look different in the list and in the tables, as in the chart."""
    fills = opened.frame.evaluate(
        """async () => {
          const { lineStyle, swatchFill, theme } = await import("/data/plugin/gradients/theme.js");
          return Array.from({ length: 32 }, (_, k) => swatchFill(lineStyle(theme("light").runs, k)));
        }"""
    )
    assert len(set(fills)) == 32
    assert fills[0] == "#0072b2"
    assert fills[8] == "repeating-linear-gradient(90deg, #0072b2 0px 6px, transparent 6px 9px)"
    ends = ("#0072b2 0px 8px", "transparent 8px 11px", "#0072b2 11px 13px", "transparent 13px 16px")
    assert fills[24] == f"repeating-linear-gradient(90deg, {', '.join(ends)})"


def test_the_svg_writer(opened):
    svg = opened.frame.evaluate(
        """async () => {
          const { SvgContext } = await import("/data/plugin/gradients/svg.js");
          const ctx = new SvgContext(100, 50, document.createElement("canvas").getContext("2d"));
          ctx.strokeStyle = "#123456";
          ctx.lineWidth = 2;
          ctx.save();
          ctx.setLineDash([4, 3]);
          ctx.globalAlpha = 0.5;
          ctx.beginPath();
          ctx.moveTo(1, 2);
          ctx.lineTo(3.14159, 4);
          ctx.closePath();
          ctx.stroke();
          ctx.restore();
          ctx.fillStyle = "rgb(1, 2, 3)";
          ctx.beginPath();
          ctx.arc(10, 20, 5, 0, 2 * Math.PI);
          ctx.fill();
          ctx.fillRect(0, 1, 2, 3);
          ctx.strokeRect(4, 5, 6, 7);
          ctx.translate(8, 9);
          ctx.rotate(-Math.PI / 4);
          ctx.font = "bold 11px Roboto, Arial";
          ctx.textAlign = "right";
          ctx.textBaseline = "middle";
          ctx.fillText('<a & "b">', 0, 0);
          return ctx.toString();
        }"""
    )
    stroke = 'fill="none" stroke="#123456" stroke-width="2"'
    moved = 'transform="translate(8 9)rotate(-45)"'
    font = 'font-family="Roboto, Arial" font-size="11" font-weight="bold"'
    assert svg.splitlines() == [
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50" viewBox="0 0 100 50">',
        f'<path d="M1 2L3.14 4Z" {stroke} stroke-dasharray="4 3" opacity="0.5"></path>',
        '<path d="M5 20a5 5 0 1 0 10 0a5 5 0 1 0 -10 0" fill="rgb(1, 2, 3)"></path>',
        '<rect x="0" y="1" width="2" height="3" fill="rgb(1, 2, 3)"></rect>',
        f'<rect x="4" y="5" width="6" height="7" {stroke}></rect>',
        f'<text x="0" y="0" text-anchor="end" dominant-baseline="central" {font} fill="rgb(1, 2, 3)" {moved}>'
        "&lt;a &amp; &quot;b&quot;&gt;</text>",
        "</svg>",
    ]
