"""A run directory keeps what is not its own, and takes away only what it made."""

import pytest

from rl.errors import ConfigError
from rl.training import RunDirectory


def test_a_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "precious.h5").write_text("weights")
    with pytest.raises(ConfigError, match="is not a run directory: it holds checkpoints"):
        RunDirectory(tmp_path).check_usable()


def test_what_a_run_leaves_before_its_first_summary_is_usable(tmp_path):
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".lock").touch()
    RunDirectory(tmp_path).check_usable()


def test_clearing_leaves_other_files_alone(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.write_summary({"status": "failed"})
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "metrics.csv").write_text("step\n")
    directory.clear()
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unused_folder_goes_with_the_empty_ones_above_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "group" / "job"
    run.mkdir(parents=True)
    RunDirectory(run).remove_if_unused()
    assert list(tmp_path.iterdir()) == []


def test_the_working_directory_is_never_removed(tmp_path, monkeypatch):
    outer = tmp_path / "outer"
    (outer / "run").mkdir(parents=True)
    monkeypatch.chdir(outer)
    RunDirectory(outer / "run").remove_if_unused()
    assert list(tmp_path.iterdir()) == [outer]
    assert list(outer.iterdir()) == []


def test_a_folder_with_something_in_it_stays(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    RunDirectory(tmp_path / "run").remove_if_unused()
    assert (tmp_path / "run" / "notes.txt").exists()


def test_a_refused_lock_leaves_the_holders_alone(tmp_path):
    holder, other = RunDirectory(tmp_path), RunDirectory(tmp_path)
    holder.lock()
    with pytest.raises(ConfigError, match="another process"):
        other.lock()
    other.remove_if_unused()
    assert (tmp_path / ".lock").exists()
    with pytest.raises(ConfigError, match="another process"):
        RunDirectory(tmp_path).lock()
    holder.unlock()
    other.lock()
    other.unlock()
