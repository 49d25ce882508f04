"""The loggers that a run chooses: what each gets, and that resuming and extending double nothing."""

import importlib.util
import json
import struct

import inside
import numpy as np
import processes
import pytest
from processes import csv_rows

import rl.errors
from rl.tensorboard import event_files

SMALL = (
    "environment=compiled/cartpole",
    "optimizer.schedule=constant",
    "logging.every_steps=640",
    "checkpoint.every_steps=640",
    "probe=none",
    "hydra.run.dir=run",
)
OWN = """
import json

class Lines:
    def start(self, session):
        self.file = session.folder / "points.jsonl"
        with (session.folder / "sessions.jsonl").open("a") as handle:
            handle.write(json.dumps([session.id, session.name, session.step, session.described]) + "\\\\n")

    def write(self, step, scalars):
        with self.file.open("a") as handle:
            handle.write(json.dumps([step, scalars]) + "\\\\n")

    def finish(self, summary):
        (self.file.parent / "end.json").write_text(json.dumps(summary))

class Failing(Lines):
    def write(self, step, scalars):
        raise ValueError("the line is dead")
"""
INSTALLED = {name: importlib.util.find_spec(name) is not None for name in ("wandb", "mlflow", "sqlalchemy")}


@pytest.fixture(scope="module", autouse=True)
def own(tmp_path_factory):
    """A package of the user's own, on the path."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_logger.py").write_text(OWN.replace("\\\\n", "\\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


def train_and_go_on(root, folder, *overrides):
    """Trains, loses the newest checkpoint as a kill would, resumes, and extends; returns the run directory."""
    inside.train(root, folder, *SMALL, *overrides, "steps=1920")
    run = folder / "run"
    max((run / "checkpoints").glob("checkpoint_*.npz")).unlink()
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
    assert "Going on from step 1,280" in inside.train(root, folder, *SMALL, *overrides, "steps=1920").stdout
    result = inside.call(root, folder, "train.py", "extend=run", "steps=3200")
    assert result.returncode == 0, result.stderr
    return run


STEPS = [640, 1280, 1920, 2560, 3200]


def points(run):
    """{step: {tag: float32}} of the event files, without times, which a repeated iteration has anew."""
    found = event_files.scalars(run)
    return {step: {tag: x for tag, x in one.items() if not tag.startswith("time/")} for step, one in found.items()}


def assert_same_points(found, run):
    """found: {step: {tag: value}} of a logger elsewhere."""
    expected = points(run)
    assert sorted(found) == sorted(expected) == STEPS
    for step, scalars in expected.items():
        scalars = {tag: x for tag, x in scalars.items() if not tag.startswith("evaluation/")}  # noqa: PLW2901
        assert scalars
        own = {tag: np.float32(found[step][tag]) for tag in scalars}
        assert own == {tag: np.float32(x) for tag, x in scalars.items()}
        assert {"time/wall_seconds", "evaluation/return"} & set(found[step])


@pytest.fixture(scope="module")
def kept(root, tmp_path_factory):
    return train_and_go_on(root, tmp_path_factory.mktemp("kept"), "+logger.mine._target_=own_logger.Lines")


def test_a_logger_of_ones_own_gets_every_point_once(kept):
    lines = [json.loads(line) for line in (kept / "loggers" / "mine" / "points.jsonl").read_text().splitlines()]
    assert [step for step, _ in lines] == STEPS
    assert_same_points(dict(lines), kept)


def test_it_is_told_of_its_sessions_and_of_the_end(kept):
    sessions = [json.loads(line) for line in (kept / "loggers" / "mine" / "sessions.jsonl").read_text().splitlines()]
    name = "/".join(kept.parts[-2:])
    assert [one[1:] for one in sessions] == [[name, 0, False], [name, 1280, True], [name, 1920, False]]
    assert len({one[0] for one in sessions}) == 1
    end = json.loads((kept / "loggers" / "mine" / "end.json").read_text())
    summary = json.loads((kept / "summary.json").read_text())
    assert {key: end[key] for key in ("status", "steps", "evaluation", "lengths")} == {
        "status": "completed",
        "steps": 3200,
        "evaluation": summary["evaluation"],
        "lengths": [1920, 3200],
    }


def test_a_run_in_python_has_one_session_until_it_is_closed(tmp_path):
    overrides = [one for one in (*processes.SMALL, *SMALL) if not one.startswith("hydra.")]
    mine = "+logger.mine._target_=own_logger.Lines"
    with rl.experiment(*overrides, "steps=1920", mine, folder=tmp_path / "run", quiet=True) as run:
        run.train(iterations=7).train(iterations=4)
        assert not (tmp_path / "run" / "loggers" / "mine" / "end.json").exists()
    folder = tmp_path / "run" / "loggers" / "mine"
    assert [json.loads(line)[0] for line in (folder / "points.jsonl").read_text().splitlines()] == [640, 1280]
    assert len((folder / "sessions.jsonl").read_text().splitlines()) == 1
    end = json.loads((folder / "end.json").read_text())
    assert (end["status"], end["steps"]) == ("interrupted", 1408)
    with pytest.raises(rl.errors.ConfigError, match="extend is run: only the command extends a run"):
        rl.experiment("extend=run", folder=tmp_path / "run")


def test_starting_over_begins_another_log(root, kept, tmp_path):
    folder = kept.parent
    overrides = ("+logger.mine._target_=own_logger.Lines", "steps=640", "fresh=true")
    before = (kept / "loggers" / "mine" / "sessions.jsonl").read_text()
    kept.rename(folder / "moved")
    inside.train(root, folder, *SMALL, *overrides[:2])
    first = (kept / "loggers" / "mine" / "sessions.jsonl").read_text()
    inside.train(root, folder, *SMALL, *overrides)
    second = (kept / "loggers" / "mine" / "sessions.jsonl").read_text()
    assert len({json.loads(text.splitlines()[0])[0] for text in (before, first, second)}) == 3
    assert second.count("\n") == 1


def test_without_tensorboard_there_are_no_event_files_and_the_rest_is_the_same(root, tmp_path):
    run = train_and_go_on(root, tmp_path, "logger=csv")
    assert not list(run.glob("events*"))
    assert [int(row["step"]) for row in csv_rows(run)] == list(range(128, 3201, 128))
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"


def test_a_logger_that_fails_is_reported_and_training_goes_on(root, tmp_path):
    overrides = (*SMALL, "steps=1920", "+logger.mine._target_=own_logger.Failing")
    result = inside.train(root, tmp_path, *overrides, check=False)
    assert result.returncode == 4
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "completed"
    assert summary["lost"] == ["the log in mine ends before step 640: the line is dead"]
    assert "Lost from run: the log in mine ends before step 640" in result.stdout


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("logger=tensorboard", "logger is [tensorboard], without csv: resuming, reports and studies read metrics.csv"),
        ("logger=[]", "logger is empty; choose some with logger=[…] from csv, mlflow, tensorboard, wandb"),
        ("logger=[csv,wandbb]", "logger=wandbb is no choice of configs/logger"),
        ("+logger.mine._target_=own_logger.Nothing", "logger.mine._target_ is 'own_logger.Nothing'"),
        ("+logger.mine._target_=builtins.dict", "logger.mine._target_ makes a dict; it must make a Logger"),
        ("+logger.csv.every=3", "logger.csv"),
    ],
)
def test_what_is_no_logger_is_refused_before_training(root, tmp_path, override, message):
    result = inside.train(root, tmp_path, *SMALL, override, check=False)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("run/*"))


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_extra_is_refused_before_training(root, tmp_path, name):
    if INSTALLED[name]:
        pytest.skip(f"{name} is installed")
    result = inside.train(root, tmp_path, *SMALL, f"logger=[tensorboard,csv,{name}]", check=False)
    assert result.returncode == 2
    assert f"needs the extra `{name}`" in result.stderr
    assert f"pip install 'tapestry-rl[{name}]'" in result.stderr
    assert not (tmp_path / "run").exists()


def records(data):
    """The records of a .wandb file, a LevelDB log: blocks of 32 KiB with pieces (CRC-32, length, type, data)."""
    place, found = 7, b""  # after `:W&B`, a number and a version
    while place + 7 <= len(data):
        left = 32_768 - place % 32_768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        found += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield found
            found = b""


@pytest.mark.skipif(not INSTALLED["wandb"], reason="the extra `wandb` is not installed")
def test_wandb_offline_has_every_point_once_in_one_run(root, tmp_path):
    from wandb.proto.wandb_internal_pb2 import Record

    run = train_and_go_on(root, tmp_path, "logger=[tensorboard,csv,wandb]", "logger.wandb.mode=offline")
    found, ids, steps_in_config, ends = [], set(), [], []
    files = sorted((run / "loggers" / "wandb" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 3  # a session each
    for file in files:
        for record in map(Record.FromString, records(file.read_bytes())):
            if record.HasField("run"):
                ids.add(record.run.run_id)
                assert record.run.project == "tapestry"
            if record.HasField("config"):
                steps_in_config += [one.value_json for one in record.config.update if one.key == "steps"]
            if record.HasField("history"):
                items = {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}
                found.append((record.history.step.num, {k: x for k, x in items.items() if not k.startswith("_")}))
            if record.HasField("summary"):
                ends += [one.value_json for one in record.summary.update if one.key == "status"]
    assert len(ids) == 1
    assert [step for step, _ in found] == STEPS
    assert_same_points(dict(found), run)
    assert [float(text) for text in steps_in_config] == [1920.0, 3200.0]
    assert ends == ['"completed"'] * 3


@pytest.mark.skipif(not (INSTALLED["mlflow"] and INSTALLED["sqlalchemy"]), reason="the extra `mlflow` is not installed")
def test_mlflow_has_every_point_once_in_one_run(root, tmp_path):
    from mlflow import MlflowClient

    run = train_and_go_on(root, tmp_path, "logger=[tensorboard,csv,mlflow]")
    client = MlflowClient(tracking_uri=f"sqlite:///{run / 'loggers' / 'mlflow' / 'mlflow.db'}")
    place = client.get_experiment_by_name("tapestry").experiment_id
    (there,) = client.search_runs([place])
    assert there.info.status == "FINISHED"
    assert there.info.run_name == "/".join(run.parts[-2:])
    assert there.data.params["optimizer.schedule"] == "constant"
    assert json.loads(there.data.tags["summary"])["lengths"] == [1920, 3200]
    found = {}
    for tag in there.data.metrics:
        history = client.get_metric_history(there.info.run_id, tag)
        assert len({one.step for one in history}) == len(history)
        for one in history:
            found.setdefault(one.step, {})[tag] = one.value
    assert_same_points(found, run)


def test_the_folder_of_loggers_is_the_runs_own(root, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "loggers").write_text("in the way")
    result = inside.train(root, tmp_path, *SMALL, check=False)
    assert result.returncode == 2
    assert "run is not a run directory: it holds loggers" in result.stderr
