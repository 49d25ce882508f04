"""Runs that are damaged, or named to do harm: no script runs, nothing fails, and the page says what it leaves out."""

import json

import numpy as np
import pytest
from gramian_logs import gramians, legend, write_run
from servers import tensorboard
from tab import SIZE, Tab
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from rl.tensorboard.gramians import gramian_summary

MARKUP = '<img src=x onerror="window.top.hacked=1;window.hacked=1">'
QUOTES = "\"'`];</script><script>window.top.hacked=1</script>"
NAMES = [f"../{MARKUP}", QUOTES, "../../etc/passwd"]
HARMED = "[window.hacked, window.top.hacked].map((x) => x === undefined)"


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    logs = tmp_path_factory.mktemp("hostile")
    harmful = legend(names=NAMES, objectives=(MARKUP, QUOTES, "=1+1"), extra_rows=("applied", "../x"), combiner=MARKUP)
    # A folder's name holds no slash; the rest is as hostile as a file system lets it be.
    write_run(logs / "<img src=x onerror=alert(1)>'\",seed=0", harmful, gramians(harmful, 5))
    broken = legend(layers=2)
    arrays = gramians(broken, 9)
    arrays[3, 0, 0, 0], arrays[5, 1, 1, 2], arrays[6] = np.nan, np.inf, -np.inf
    write_run(logs / "not_finite", broken, arrays)
    write_run(logs / "other_layers", legend(layers=7, objectives=("policy", "value")), [])
    other = legend(layers=7, objectives=("policy", "value"))
    write_run(logs / "other_layers", other, gramians(other, 5))
    write_run(logs / "cut_off", broken, gramians(broken, 9))
    (file,) = (logs / "cut_off").glob("events*")
    file.write_bytes(file.read_bytes()[:-100])
    writer = EventFileWriter(str(logs / "no_legend"))
    summary = gramian_summary(arrays[0], broken)
    summary.value[0].metadata.plugin_data.content = json.dumps({"layers": MARKUP}).encode()
    writer.add_event(Event(step=1, summary=summary))
    writer.close()
    with tensorboard(logs, "--reload_interval", "0", runs=5) as address:
        tab = Tab(chromium.new_page(viewport=SIZE), address)
        tab.open()
        yield tab


@pytest.mark.parametrize("view", ["overview", "layers", "moment", "whatif", "runs"])
@pytest.mark.parametrize("run", ["<img", "not_finite", "other_layers", "cut_off"])
def test_no_script_runs_and_every_view_is_drawn(tab, view, run):
    (name,) = [one["run"] for one in tab.ask("runs")["runs"] if one["run"].startswith(run)]
    tab.restart(view=view, run=name)
    tab.canvas("")
    assert tab.frame.evaluate(HARMED) == [True, True]
    assert not tab.frame.locator(".error").count()
    assert not tab.frame.locator("img").count()
    for canvas in tab.frame.locator("main canvas:visible").all()[:4]:
        canvas.focus()
        tab.page.keyboard.press("ArrowRight")
        tab.page.keyboard.press("Enter")
        tab.idle()
    assert tab.frame.evaluate(HARMED) == [True, True]


def test_names_are_shown_as_they_are(tab):
    tab.restart(view="layers", run=next(one["run"] for one in tab.ask("runs")["runs"] if one["run"].startswith("<img")))
    assert tab.frame.get_by_label("row", exact=True).locator("option").all_inner_texts()[:2] == [MARKUP, QUOTES]


def test_what_cannot_be_drawn_is_said(tab):
    damaged = tab.frame.locator("section", has_text="no_legend")
    assert "its metadata is not a legend of Gramians" in damaged.inner_text()
    not_finite = tab.frame.locator("section", has_text="not_finite")
    not_finite.get_by_text("in 3 a number is not finite").wait_for()
    # What was cut off is the last moment; the others are there.
    tab.frame.locator("section", has_text="cut_off").get_by_text("8 moments").wait_for()


def test_a_moment_that_is_not_finite_says_so(tab):
    tab.restart(view="moment", run="not_finite", step=7000)
    tab.frame.get_by_text("Some numbers of this moment are not finite").wait_for()
