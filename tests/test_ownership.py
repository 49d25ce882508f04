"""A command replaces the files that it wrote before, and no others."""

import json

import pytest

from rl.errors import ConfigError
from rl.ownership import Outputs, mark, marker

NAMES = ("*.csv", "figures/*.png")


def write(folder, files):
    outputs = Outputs(folder, "report")
    outputs.check(NAMES)
    staging = outputs.begin()
    for name, text in files.items():
        (staging / name).parent.mkdir(exist_ok=True)
        (staging / name).write_text(text)
    outputs.finish()


def contents(folder):
    files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".tapestry"))
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def test_what_was_written_before_is_replaced_and_what_is_no_more_goes(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, {"runs.csv": "1", "figures/a_curves.png": "2"})
    write(tmp_path, {"runs.csv": "3", "figures/b_curves.png": "4"})
    assert contents(tmp_path) == {"notes.txt": "mine", "runs.csv": "3", "figures/b_curves.png": "4"}
    assert not (tmp_path / ".tapestry_report_new").exists()


@pytest.mark.parametrize("name", ["runs.csv", "figures/my_curves.png"])
def test_a_file_that_it_did_not_write_is_refused_before_the_work(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"{name} would be replaced, but .tapestry_report there does not list it"):
        Outputs(tmp_path, "report").check(NAMES)
    assert contents(tmp_path) == {name: "mine"}


def test_a_file_of_its_own_that_was_changed_since_is_the_users(tmp_path):
    write(tmp_path, {"runs.csv": "1"})
    (tmp_path / "runs.csv").write_text("1, with my remarks")
    with pytest.raises(ConfigError, match="would be replaced"):
        Outputs(tmp_path, "report").check(NAMES)
    with pytest.raises(ConfigError, match="would be replaced"):
        Outputs(tmp_path, "rows").check(NAMES)


def test_a_name_that_was_not_foreseen_is_refused_at_the_end_and_the_old_files_stay(tmp_path):
    write(tmp_path, {"runs.csv": "1"})
    (tmp_path / "extra.txt").write_text("mine")
    with pytest.raises(ConfigError, match="txt would be replaced"):
        write(tmp_path, {"runs.csv": "2", "extra.txt": "3"})
    assert contents(tmp_path) == {"runs.csv": "1", "extra.txt": "mine"}


def test_killed_at_any_moment_the_next_one_replaces_all(tmp_path):
    from faulting.snapshots import snapshots

    folder = tmp_path / "report"
    write(folder, {"runs.csv": "1", "a.csv": "2"})
    with snapshots(folder, tmp_path / "killed") as taken:
        write(folder, {"runs.csv": "3", "b.csv": "4"})
    assert len(taken) > 8
    for operation, state in taken:
        write(state, {"runs.csv": "5", "c.csv": "6"})
        assert contents(state) == {"runs.csv": "5", "c.csv": "6"}, operation


def test_event_files_gather(tmp_path):
    for number in "12":
        write(tmp_path, {f"events.out.tfevents.{number}": number})
    assert contents(tmp_path) == {"events.out.tfevents.1": "1", "events.out.tfevents.2": "2"}
    write(tmp_path, {"events.out.tfevents.1": "again"})
    assert contents(tmp_path) == {"events.out.tfevents.1": "again", "events.out.tfevents.2": "2"}
    (tmp_path / "events.out.tfevents.2").write_text("another program's")
    with pytest.raises(ConfigError, match=r"tfevents.2 would be replaced"):
        write(tmp_path, {"events.out.tfevents.2": "3"})


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="file is a file; the report needs a folder"):
            Outputs(place, "report").check(NAMES)


def test_a_marker_is_of_a_kind(tmp_path):
    mark(tmp_path, "run", extra=1)
    assert marker(tmp_path, "run")["extra"] == 1
    assert marker(tmp_path, "sweep") is None
    for text in ("", "[]", "[" * 100_000, json.dumps({"format": "tapestry", "version": 2, "kind": "run"})):
        (tmp_path / ".tapestry").write_text(text)
        assert marker(tmp_path, "run") is None
