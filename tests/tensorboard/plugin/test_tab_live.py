"""Runs that are still being written: the page updates by itself."""

from contextlib import ExitStack

from faulting.servers import tensorboard
from gramian_logs import gramians, legend
from tab import SIZE, Tab
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from rl.tensorboard.gramians import gramian_summary

OF = legend(layers=2)
ARRAYS = gramians(OF, 12)
SLOW = 60_000  # milliseconds; TensorBoard looks every second and the page every five


def write(writer, steps):
    for step in steps:
        writer.add_event(Event(step=step, wall_time=1.7e9 + step, summary=gramian_summary(ARRAYS[step], OF)))
    writer.flush()


def test_runs_appear_and_grow_while_the_page_is_open(chromium, tmp_path):
    with ExitStack() as stack:
        tabs = {}
        for fast in ("true", "false"):  # TensorBoard's loader in Rust, and the one in Python
            flags = (f"--load_fast={fast}", "--reload_interval", "1")
            address = stack.enter_context(tensorboard(tmp_path, *flags, runs=0))
            tabs[fast] = Tab(chromium.new_page(viewport=SIZE), address)
            stack.callback(tabs[fast].page.close)
        for tab in tabs.values():
            tab.open()
            notice = tab.frame.locator("main .notice").inner_text()
            assert "No run here has logged Gramians" in notice
            assert "train with probe=default" in notice
            tab.frame.evaluate("window.stillTheSamePage = true")
        writer = EventFileWriter(str(tmp_path / "growing,seed=0"))
        write(writer, range(5))
        for tab in tabs.values():
            card(tab, "growing").get_by_text("5 moments.", exact=True).wait_for(timeout=SLOW)
        write(writer, range(5, 12))
        later = EventFileWriter(str(tmp_path / "later,seed=0"))
        write(later, range(1))
        for tab in tabs.values():
            card(tab, "growing").get_by_text("12 moments.", exact=True).wait_for(timeout=SLOW)
            card(tab, "later").get_by_text("1 moment.", exact=True).wait_for(timeout=SLOW)
            tab.view("moment")
            tab.frame.get_by_text("step 11 (12 of 12)").wait_for()
            assert tab.frame.evaluate("window.stillTheSamePage")
            assert tab.complaints == []
        writer.close()
        later.close()


def card(tab, setting):
    return tab.frame.locator(f'section[aria-label="{setting}"]')
