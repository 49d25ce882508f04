"""A run that is still being written: the page follows it by itself."""

import pytest
from gramian_logs import gramians, legend
from servers import tensorboard
from tab import SIZE, Tab
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from rl.tensorboard.gramians import gramian_summary


@pytest.mark.parametrize("fast", ["true", "false"])
def test_moments_are_added_while_the_page_is_open(chromium, tmp_path, fast):
    of = legend(layers=2)
    arrays = gramians(of, 12)
    writer = EventFileWriter(str(tmp_path / "growing,seed=0"))

    def write(steps):
        for step in steps:
            writer.add_event(Event(step=step, wall_time=1.7e9 + step, summary=gramian_summary(arrays[step], of)))
        writer.flush()

    write(range(5))
    with tensorboard(tmp_path, f"--load_fast={fast}", "--reload_interval", "1", runs=1) as address:
        page = chromium.new_page(viewport=SIZE)
        tab = Tab(page, address)
        tab.open()
        card = tab.frame.locator("section", has_text="growing")
        card.get_by_text("5 moments").wait_for(timeout=30_000)
        tab.frame.evaluate("window.stillTheSamePage = true")
        write(range(5, 12))
        card.get_by_text("12 moments").wait_for(timeout=60_000)
        assert tab.frame.evaluate("window.stillTheSamePage")
        tab.view("moment")
        tab.frame.get_by_text("step 11 (12 of 12)").wait_for()
        # Another run, which was not there when the page was opened.
        other = EventFileWriter(str(tmp_path / "later,seed=0"))
        other.add_event(Event(step=1, wall_time=1.7e9, summary=gramian_summary(arrays[1], of)))
        other.close()
        tab.frame.locator("aside").get_by_text("later,seed=0").wait_for(timeout=60_000)
        assert tab.complaints == []
        page.close()
    writer.close()
