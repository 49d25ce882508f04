"""The short form of the fault campaign: killed, interrupted or short of disk, two seeds go on to what they would be."""

import json
import os
import shutil
import signal

import pytest
from faulting.comparison import differences
from faulting.interrupting import interruption
from faulting.operations import watched
from faulting.small_runs import SmallRuns
from faulting.snapshots import snapshots

from rl.errors import ConfigError, StorageError
from rl.runs.evaluation import Evaluator
from rl.runs.metrics_file import read_metrics
from rl.tensorboard import event_files


def runs(folder):
    return folder / "seed=5", folder / "seed=6"


@pytest.fixture(scope="module")
def train():
    return SmallRuns("seeds=2", "checkpoint.keep=1")


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """Two runs without a fault, and what a kill before each of their file operations would have left."""
    folder = tmp_path_factory.mktemp("whole")
    with snapshots(folder / "runs", folder / "killed") as taken:
        train(*runs(folder / "runs"))
    return folder / "runs", taken


def assert_as_whole(folder, whole):
    for one, other in zip(runs(folder), runs(whole[0]), strict=True):
        assert differences(one, other) == []


BEFORE = (
    ("rename seed=5/.tapestry", 0),  # nothing but the lock is there
    ("create seed=6/events.out.tfevents…", 0),  # one run has begun its log, the other has not
    ("fsync seed=6/checkpoints/checkpoint_…", 0),  # one has its first checkpoint
    ("fsync seed=6/checkpoints/checkpoint_…", -1),
    ("fsync seed=6/checkpoints/best.partial", -1),  # one has its best
    ("remove seed=6/checkpoints/checkpoint_…", -1),  # one has removed its old checkpoint
    ("open seed=6/metrics.csv", -1),
    ("fsync seed=6/summary.json.partial", -1),  # all but the last summary
)


@pytest.mark.parametrize(("label", "which"), BEFORE)
def test_killed_before_an_operation(train, whole, label, which, tmp_path):
    states = [state for operation, state in whole[1] if operation.label == label]
    shutil.copytree(states[which], tmp_path / "runs")
    train(*runs(tmp_path / "runs"))
    assert_as_whole(tmp_path / "runs", whole)


def test_killed_again_while_it_goes_on(train, whole, tmp_path):
    (*_, (_, state)) = [one for one in whole[1] if one[0].label == "remove seed=5/checkpoints/checkpoint_…"]
    shutil.copytree(state, tmp_path / "runs")
    with snapshots(tmp_path / "runs", tmp_path / "killed") as taken:
        train(*runs(tmp_path / "runs"))
    (again, *_) = [state for operation, state in taken if operation.kind == "create"]
    train(*runs(again))
    assert_as_whole(again, whole)


@pytest.mark.parametrize("step", [256, 640])
def test_an_evaluation_that_a_signal_cut_off_is_made_again_in_its_place(train, whole, tmp_path, step, monkeypatch):
    """In the middle, and at the end, where a kill follows before the run is complete."""
    real, folder = Evaluator.run, tmp_path / "runs"

    def cut_off(evaluator, seeds, stop):
        if train.steps == step:
            os.kill(os.getpid(), signal.SIGINT)
        return real(evaluator, seeds, stop)

    monkeypatch.setattr(Evaluator, "run", cut_off)
    (first, _) = train(*runs(folder))
    assert (first["status"], first["steps"]) == ("interrupted", step)
    assert read_metrics(runs(folder)[0] / "metrics.csv")["step"][-1] == step - 64
    monkeypatch.undo()
    with snapshots(folder, tmp_path / "killed") as taken:
        train(*runs(folder))
    assert_as_whole(folder, whole)
    logged = [state for operation, state in taken if operation.label == "fsync seed=6/checkpoints/checkpoint_…"]
    train(*runs(logged[0]))  # a kill after the evaluation was logged, and before its checkpoint
    assert_as_whole(logged[0], whole)


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(train, whole, tmp_path):
    folder, seen = tmp_path / "runs", []
    with (
        pytest.raises(StorageError, match=r"can no longer be written: No space left on device"),
        watched(folder, interruption(70, "ENOSPC", seen)),
    ):
        train(*runs(folder))
    assert len(seen) > 70
    train(*runs(folder))
    assert_as_whole(folder, whole)


def test_a_directory_that_is_removed_during_training_is_one_sentence(train, tmp_path):
    folder = tmp_path / "runs"

    def remove(operation):
        if operation.path.startswith("seed=6/checkpoints"):
            shutil.rmtree(folder / "seed=6")

    with pytest.raises(StorageError, match=r"seed=6 is gone"), watched(folder, remove):
        train(*runs(folder))
    assert json.loads((runs(folder)[0] / "summary.json").read_text())["status"] == "failed"
    assert not (folder / "seed=6").exists()


def test_starting_over_says_so_before_anything_is_removed(train, whole, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(whole[0], folder)
    (folder / "seed=5" / "notes.txt").write_text("mine")
    with snapshots(folder, tmp_path / "killed") as taken:
        train(*runs(folder), fresh=True)
    assert_as_whole(folder, whole)
    assert (folder / "seed=5" / "notes.txt").read_text() == "mine"
    removing = [state for operation, state in taken if operation.kind == "remove"]
    for run in runs(removing[0]):
        summary = json.loads((run / "summary.json").read_text())
        assert (summary["status"], summary["steps"], summary["evaluation"]) == ("running", 0, None)
    for state in (removing[0], removing[-1]):
        train(*runs(state))
        assert_as_whole(state, whole)


def test_damage_is_said_mended_where_it_can_be_and_written_into_the_summary(train, whole, tmp_path):
    (*_, (_, state)) = [one for one in whole[1] if one[0].label == "remove seed=5/checkpoints/checkpoint_…"]
    shutil.copytree(state, tmp_path / "runs")
    one, other = runs(tmp_path / "runs")
    (other / "metrics.csv").write_bytes((other / "metrics.csv").read_bytes()[:2000])
    for file in event_files.files(one):
        file.unlink()
    (one / "summary.json").write_text('{"status": "run')
    summaries = train(one, other)
    said = "\n".join(train.said)
    assert "summary.json is damaged: it is not valid JSON" in said
    assert "points in TensorBoard were missing or damaged, and were rebuilt from metrics.csv" in said
    assert [sentence.split(" up to")[0] for sentence in summaries[0]["lost"]] == [
        "3 of 3 Gramians",
        "3 of 3 sets of histograms",
    ]
    assert len(summaries[1]["lost"]) == 1
    assert "rows of metrics.csv" in summaries[1]["lost"][0]
    assert summaries[1]["lost"][0] in said


def test_a_checkpoint_of_another_kind_stops_before_anything_is_written(train, whole, tmp_path):
    (*_, (_, state)) = [one for one in whole[1] if one[0].label == "remove seed=5/checkpoints/checkpoint_…"]
    shutil.copytree(state, tmp_path / "runs")
    (newest,) = list((tmp_path / "runs" / "seed=5" / "checkpoints").glob("checkpoint_*640.npz"))
    newest.unlink()
    newest.mkdir()
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(ConfigError, match="is not a file, though its name is a checkpoint's"):
        train(*runs(tmp_path / "runs"))
    assert sorted(map(str, tmp_path.rglob("*"))) == before
