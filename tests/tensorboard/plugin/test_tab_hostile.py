"""Runs with damage or with markup in their names: no script runs, and the page says what it leaves out."""

import csv
import io
import json
import re

import numpy as np
import pytest
from faulting.servers import tensorboard
from gramian_logs import gramians, legend, write_run, write_summaries
from tab import SIZE, Tab

from rl.tensorboard.gramians import gramian_summary
from rl.tensorboard.plugin.names import named

MARKUP = '<img src=x onerror="window.top.hacked=1;window.hacked=1">'
QUOTES = "\"'`];</script><script>window.top.hacked=1</script>"
FORMULA = "=1+1"
NAMES = [f"../{MARKUP}", QUOTES, "../../etc/passwd"]
HARMFUL = "<img src=x onerror=window.top.hacked=1>'\",seed=0"  # a folder's name holds no slash
HARMED = "[window.hacked, window.top.hacked].map((x) => x === undefined)"
PAIR = ("policy", "value")
LEFT_OUT = "left out, with a shape that differs from the legend's or a step that is not valid"


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    logs = tmp_path_factory.mktemp("hostile")
    harmful = legend(names=NAMES, objectives=(MARKUP, FORMULA), extra_rows=("applied", QUOTES, "../x"), combiner=MARKUP)
    write_run(logs / HARMFUL, harmful, gramians(harmful, 5))
    plain = legend(layers=2)
    arrays = gramians(plain, 9)
    arrays[3, 0, 0, 0], arrays[5, 1, 1, 2], arrays[6] = np.nan, np.inf, -np.inf
    write_run(logs / "not_finite", plain, arrays)
    for run, layers in (("other_layers", 7), ("many_layers", 230)):
        other = legend(layers=layers, objectives=PAIR)
        write_run(logs / run, other, gramians(other, 3))
    write_run(logs / "shares_nothing", legend(layers=0), np.zeros((3, 0, 6, 6)))
    many = legend(layers=1, objectives=[f"objective {k}" for k in range(30)], extra_rows=())
    write_run(logs / "many_rows", many, gramians(many, 3))
    write_run(logs / "one_moment", plain, gramians(plain, 1), returns=True)
    # The largest and the smallest numbers, and moments whose rows are all zero.
    extreme = legend(layers=2, objectives=PAIR, extra_rows=("combined",))
    write_run(logs / "extreme", extreme, [k * np.array([np.diag([1.7e308, 5e-324, 1.0])] * 2) for k in (0, 1, 1)])
    write_run(logs / "cut_off", plain, gramians(plain, 9))
    (file,) = (logs / "cut_off").glob("events*")
    file.write_bytes(file.read_bytes()[:-100])
    no_legend = gramian_summary(arrays[0], plain)
    no_legend.value[0].metadata.plugin_data.content = json.dumps({"layers": MARKUP}).encode()
    write_summaries(logs / "no_legend", [no_legend])
    write_summaries(logs / "mixed_shapes", [gramian_summary(x, plain) for x in (arrays[0], arrays[0, :1], arrays[1])])
    write_summaries(logs / "wrong_shapes", [gramian_summary(x, plain) for x in arrays[:, :1]])
    with tensorboard(logs, "--reload_interval", "0", runs=12) as address:
        tab = Tab(chromium.new_page(viewport=SIZE), address)
        tab.open()
        yield tab
        tab.page.close()


@pytest.mark.parametrize("run", [HARMFUL, "not_finite", "other_layers", "many_layers", "extreme", "cut_off"])
def test_no_script_runs_and_every_view_is_drawn(tab, run):
    tab.restart(run=run, extra=True, toggled=[named([run])[run].config])
    for view in ("overview", "layers", "moment", "whatif", "runs"):
        tab.view(view)
        tab.canvas("")
        for canvas in tab.frame.locator("main canvas:visible").all()[:2]:
            canvas.focus()
            tab.page.keyboard.press("ArrowRight")
        tab.page.keyboard.press("Enter")
        tab.idle()
        assert not tab.frame.locator("main > .error").count()
        assert not tab.frame.locator("img").count()
        assert tab.frame.evaluate(HARMED) == [True, True]


def test_names_are_shown_unchanged(tab):
    tab.restart(view="layers", run=HARMFUL, filter="img")
    (box,) = tab.frame.locator(".runs input").all()
    assert box.get_attribute("aria-label") == HARMFUL
    (name,) = tab.frame.locator(".runs .name").all()
    assert name.inner_text() == HARMFUL.removesuffix(",seed=0")
    rows = tab.frame.get_by_label("row", exact=True).locator("option").all_inner_texts()
    assert rows == [MARKUP, FORMULA, "−applied", QUOTES, "../x"]
    header, *cells = table(tab, "Layers × time")
    assert [row[0] for row in cells] == NAMES
    tab.view("overview")
    header, *_ = table(tab, "Norms of the rows")
    assert header == ["step", MARKUP, f"'{FORMULA}"]  # no spreadsheet evaluates it as a formula
    name, _ = tab.save(tab.canvas("Norms of the rows"), "SVG")
    assert name == "_img_src=x_onerror=window.top.hacked=1_Norms_of_the_rows.svg"


def test_one_moment_has_an_axis_with_its_step(tab):
    tab.restart(filter="one_moment", smoothing=0)
    svg = tab.save(tab.canvas("Norms of the rows"), "SVG")[1].decode()
    texts = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    bottom = max(float(y) for _, y, _ in texts)
    assert [text for _, y, text in texts if float(y) == bottom] == ["1000"]
    (x,) = [float(x) for x, y, _ in texts if float(y) == bottom]
    points = re.findall(r'<path d="M([\d.]+) [\d.]+a2 0', svg.replace("a2 2 0", "a2 0"))
    assert {float(left) + 2 for left in points} == {x}  # the dots stand above it
    assert len(points) == 3


def table(tab, title):
    return list(csv.reader(io.StringIO(tab.save(tab.canvas(title), "CSV")[1].decode())))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("no_legend", "its metadata is not a legend of Gramians"),
        ("shares_nothing", "its network shares no weights"),
        ("not_finite", "9 moments; gaps at 3, with numbers that are not finite"),
        ("cut_off", "8 moments."),  # the last one is truncated
        (
            "mixed_shapes",
            "2 moments; 1 left out, with a shape that differs from the legend's or a step that is not valid",
        ),
        (
            "wrong_shapes",
            "0 moments; 9 left out, with a shape that differs from the legend's or a step that is not valid",
        ),
    ],
)
def test_the_card_says_what_is_left_out(tab, run, words):
    tab.restart(filter=f"^{run}$")
    assert words in tab.frame.locator("section.card").inner_text()


@pytest.mark.parametrize(
    ("view", "run", "words"),
    [
        ("layers", "not_finite", "3 moments have numbers that are not finite."),
        ("layers", "many_layers", "The first 200 of 230 layers are shown."),
        ("moment", "not_finite", "Numbers of this moment that are not finite are left out."),
        ("moment", "many_layers", "The first 200 of 230 layers are shown."),
    ],
)
def test_a_view_says_what_is_left_out(tab, view, run, words):
    tab.restart(view=view, run=run, step=7000)
    assert words in tab.frame.locator("main").inner_text()


@pytest.mark.parametrize(
    ("view", "run", "words"),
    [
        ("moment", "wrong_shapes", "run 'wrong_shapes' has no Gramian of the shape that its legend gives."),
        ("whatif", "many_rows", "run 'many_rows' has 30 groups of objectives; what if is computed for at most 8."),
    ],
)
def test_an_error_is_a_sentence_and_another_run_can_be_chosen(tab, view, run, words):
    tab.restart(view=view, run=run)
    for _ in range(2):
        assert tab.frame.locator("main > .error").inner_text().split("\n\n") == ["This could not be shown", words]
        assert not tab.frame.locator("main canvas:visible").count()
        tab.choose("run", "other_layers")
        assert not tab.frame.locator("main > .error").count()
        assert tab.frame.locator("main canvas:visible").count()
        tab.choose("run", run)  # no picture of the previous run stays
    assert {complaint.split(":")[1] for complaint in tab.complaints} == {" Failed to load resource"}  # answers 400
    tab.complaints.clear()


def test_a_view_without_a_drawable_run_says_why(tab):
    tab.restart(view="layers", filter="no_legend|shares_nothing")
    words = tab.frame.locator("main .notice").inner_text()
    assert words.startswith("No chosen run can be drawn")
    assert "no_legend: its metadata is not a legend of Gramians" in words
    assert "shares_nothing: its network shares no weights" in words
