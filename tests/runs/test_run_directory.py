"""A run directory keeps what is not its own, and takes away only what it made."""

import json

import numpy as np
import pytest

from rl.errors import ConfigError
from rl.ownership import mark, marker
from rl.runs.directory import _IN_A_CONFIG, RunDirectory

SUMMARY = {"status": "completed", "steps": 1, "updates": 1, "wall_seconds": 1.0, "steps_per_second": 1.0}
SUMMARY |= {"evaluation": None}
CONFIG = "".join(f"{key}: 1\n" for key in _IN_A_CONFIG)


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    "files",
    [
        {"checkpoints/precious.h5": "weights"},
        {"summary.json": '{"title": "my paper"}', "videos/film.mp4": "x", "metrics.csv": "mine", "checkpoints/a": "b"},
        {"summary.json": json.dumps(SUMMARY), "metrics.csv": "mine"},
        {"summary.json": json.dumps(SUMMARY), ".hydra/config.yaml": "db: mysql\n"},
        {".hydra/config.yaml": "db: mysql\n"},
        {".hydra/config.yaml": CONFIG, "metrics.csv": "mine"},
        {".hydra/config.yaml": CONFIG, "checkpoints/checkpoint_000000000001.npz": "mine"},
        {".tapestry": '{"format": "tapestry", "version": 1, "kind": "report"}', "metrics.csv": "mine"},
        {"events.out.tfevents.1": ""},
    ],
)
def test_a_folder_that_no_run_wrote_is_refused_and_left_alone(tmp_path, files):
    write(tmp_path, files)
    directory = RunDirectory(tmp_path)
    with pytest.raises(ConfigError, match="is not a run directory: it holds"):
        directory.check_usable()
    with pytest.raises(ConfigError, match="is not marked as a run directory"):
        directory.clear()
    assert contents(tmp_path) == {name: text.encode() for name, text in files.items()}


@pytest.mark.parametrize(
    "files",
    [
        {".lock": ""},
        {".lock": "", ".tapestry.partial": "{"},
        {".hydra/config.partial": "age", "summary.json.partial": "{"},
        {".hydra/config.yaml": CONFIG, ".hydra/overrides.yaml": "[]"},
        {".hydra/config.yaml": CONFIG, "summary.json": json.dumps(SUMMARY), "checkpoints/x": "", "notes.txt": ""},
    ],
    ids=["a lock", "a marker cut off", "a config cut off", "an older start", "an older run"],
)
def test_what_a_run_left_is_usable_and_marked(tmp_path, files):
    write(tmp_path, files)
    directory = RunDirectory(tmp_path)
    directory.check_usable()
    directory.lock()
    directory.unlock()
    assert marker(tmp_path, "run") == {"format": "tapestry", "version": 1, "kind": "run"}
    RunDirectory(tmp_path).check_usable()


def test_an_empty_folder_of_hydra_is_usable(tmp_path):
    (tmp_path / ".hydra").mkdir()
    RunDirectory(tmp_path).check_usable()


def test_an_older_run_is_also_known_by_its_checkpoints(tmp_path):
    write(tmp_path, {".hydra/config.yaml": CONFIG, "summary.json": "damaged", "checkpoints/best.npz": "?"})
    meta = {"steps": 1, "timed_steps": 1, "timed_seconds": 1.0, "wall_seconds": 1.0, "best": None, "evaluation": None}
    meta |= {"since_log": [], "noise_scales": {}, "format_version": 2}
    np.savez(tmp_path / "checkpoints" / "checkpoint_000000000001.npz", __meta__=np.array(json.dumps(meta)))
    RunDirectory(tmp_path).check_usable()
    assert "is damaged: it is not valid JSON" in RunDirectory(tmp_path).damage()


@pytest.mark.parametrize("name", ["metrics.csv", "checkpoints"])
def test_what_is_in_the_way_of_a_runs_files_is_named(tmp_path, name):
    mark(tmp_path, "run")
    (tmp_path / name).mkdir() if name == "metrics.csv" else (tmp_path / name).write_text("")
    with pytest.raises(ConfigError, match=f"{name} is in the way of a run's own"):
        RunDirectory(tmp_path).check_usable()


def test_clearing_leaves_other_files_alone(tmp_path):
    mark(tmp_path, "run")
    mine = {"notes.txt": "1", "checkpoints/mine.npz": "2", "videos/film.mp4": "3", "results.partial": "4"}
    runs = {"metrics.csv": "", "events.out.tfevents.1": "", "checkpoints/checkpoint_000000000001.npz": ""}
    runs |= {"checkpoints/best.npz": "", "checkpoints/best.partial": "", "videos/episode_0.mp4": "", "failure.npz": ""}
    write(tmp_path, mine | runs | {"summary.json": "{}"})
    RunDirectory(tmp_path).clear()
    assert contents(tmp_path).keys() - {".tapestry"} == {*mine, "summary.json"}


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
