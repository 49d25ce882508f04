"""The readers of a run's files: what is sound comes back, and whatever is not is named in one sentence."""

import errno
import json
import math
import os
import random

import numpy as np
import pytest

from rl.errors import ConfigError, DamagedError, StorageError
from rl.ownership import mark
from rl.runs.checkpoints import Checkpoint, CheckpointFolder, read_checkpoint, write_checkpoint
from rl.runs.metrics_file import MetricsFile, read_metrics
from rl.runs.place import check_place
from rl.runs.storage import storing
from rl.runs.summary_file import read_summary, write_summary

SUMMARY = {
    "status": "completed",
    "steps": 64,
    "updates": 8,
    "wall_seconds": 1.5,
    "steps_per_second": 100.0,
    "evaluation": {"mean": 3.0, "std": 0.5, "episodes": 10},
}


def test_a_summary_comes_back_and_what_is_not_finite_is_null(tmp_path):
    file = tmp_path / "summary.json"
    write_summary(file, SUMMARY | {"evaluation": SUMMARY["evaluation"] | {"mean": math.inf}})
    json.loads(file.read_text(), parse_constant=pytest.fail)
    assert read_summary(file) == SUMMARY | {"evaluation": SUMMARY["evaluation"] | {"mean": None}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("\x00\x01", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "it holds \\[\\], and no object"),
        (json.dumps({"title": "my paper"}), 'status is "missing"'),
        (json.dumps(SUMMARY | {"status": "fine"}), 'status is "fine"; it must be one of running, completed'),
        (json.dumps(SUMMARY | {"steps": True}), "steps is true; it must be a whole number"),
        (json.dumps(SUMMARY | {"evaluation": "x"}), 'evaluation is "x"; it must be null or an object'),
        (json.dumps(SUMMARY | {"evaluation": {}}), 'evaluation.mean is "missing"'),
        (json.dumps(SUMMARY | {"versions": "2.21"}), 'versions is "2.21"; it must be an object of texts'),
        (json.dumps(SUMMARY | {"versions": {"tensorflow": 2}}), "versions is"),
        (json.dumps(SUMMARY | {"lost": "rows"}), 'lost is "rows"; it must be a list of texts'),
        (json.dumps(SUMMARY | {"seed": "0"}), 'seed is "0"; it must be a whole number'),
        (json.dumps(SUMMARY | {"error": [1]}), "error is \\[1\\]; it must be a text"),
        (json.dumps(SUMMARY | {"evaluation": SUMMARY["evaluation"] | {"iqm": "1"}}), 'evaluation.iqm is "1"'),
        (json.dumps(SUMMARY | {"wall_seconds": math.nan}), "it holds NaN"),
        (json.dumps(SUMMARY).replace("1.5", "1e999"), "wall_seconds is Infinity; it must be a finite number"),
    ],
)
def test_a_damaged_summary_is_named(tmp_path, text, message):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DamagedError, match=message):
        read_summary(tmp_path / "summary.json")


def test_metrics_come_back_without_a_line_that_is_still_being_written(tmp_path):
    file = tmp_path / "metrics.csv"
    MetricsFile(file).append([64, 128], {"a": [1.0, np.nan], "b": [np.float32(0.1), 2.0]})
    with file.open("a") as handle:
        handle.write("192,3")
    found = read_metrics(file)
    assert list(found) == ["step", "a", "b"]
    assert found["step"].tolist() == [64, 128]
    np.testing.assert_array_equal(found["a"], [1.0, np.nan])
    np.testing.assert_array_equal(found["b"].astype(np.float32), np.float32([0.1, 2.0]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its first line does not name the columns"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"step,a,a\n64,1,2\n", "its first line"),
        (b"64,1\n128,2\n", "its first line"),
        (b"step,a\n64,1\n128,x\n", "damaged at line 3: '128,x' is not a row of 2 numbers that goes on from step 64"),
        (b"step,a\n64,1\n128\n", "damaged at line 3"),
        (b"step,a\n64,1\n64,1\n", "damaged at line 3"),
        (b"step,a\n64.5,1\n", "damaged at line 2"),
        (b"step,a\n\n", "damaged at line 2"),
    ],
)
def test_damaged_metrics_are_named(tmp_path, data, message):
    (tmp_path / "metrics.csv").write_bytes(data)
    with pytest.raises(DamagedError, match=message):
        read_metrics(tmp_path / "metrics.csv")


def test_missing_metrics_are_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_metrics(tmp_path / "metrics.csv")


def test_a_run_that_goes_on_with_other_probes_keeps_every_column(tmp_path):
    file = tmp_path / "metrics.csv"
    MetricsFile(file).append([64], {"a": [1.0], "b": [2.0]})
    metrics = MetricsFile(file)
    metrics.restore(range(64, 65, 64), ["a", "b"])
    metrics.keep()
    metrics.append([128], {"b": [3.0], "c": [4.0]})
    metrics.sync()
    assert file.read_text() == "step,a,b,c\n64,1,2,\n128,,3,4\n"


def test_metrics_that_something_else_removes_or_changes_are_not_begun_anew(tmp_path):
    file = tmp_path / "metrics.csv"
    metrics = MetricsFile(file)
    metrics.append([64], {"a": [1.0]})
    file.write_text(file.read_text() + "128,9\n")
    with pytest.raises(StorageError, match="was changed by something else"):
        metrics.sync()
    file.unlink()
    with pytest.raises(StorageError, match=r"No such file or directory \(.*metrics.csv\)"), storing(tmp_path):
        metrics.append([128], {"a": [1.0]})
    assert not file.exists()


META = {
    "steps": 64,
    "timed_steps": 64,
    "timed_seconds": 0.5,
    "wall_seconds": 1.0,
    "best": None,
    "best_step": None,
    "evaluation": None,
    "since_log": [{"a": math.nan}],
    "noise_scales": {"policy": (1.0, 2.0)},
    "waiting": None,
    "columns": ["a"],
    "logged": {"scalars": 1},
    "interim": False,
    "first_of": 1,
    "lost": [],
    "lengths": [64, 128],
}
ARRAYS = {"torso/kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3)}


def test_a_checkpoint_comes_back_with_its_rows_apart(tmp_path):
    write_checkpoint(tmp_path / "x.npz", Checkpoint(ARRAYS, META, {"policy": np.ones(3, np.float32)}))
    found = read_checkpoint(tmp_path / "x.npz")
    np.testing.assert_array_equal(found.arrays["torso/kernel"], ARRAYS["torso/kernel"])
    assert list(found.arrays) == ["torso/kernel"]
    assert found.rows["policy"].tolist() == [1, 1, 1]
    assert math.isnan(found.meta["since_log"][0]["a"])
    assert list(tmp_path.iterdir()) == [tmp_path / "x.npz"]


def test_format_2_is_read(tmp_path):
    of_then = [
        "steps",
        "timed_steps",
        "timed_seconds",
        "wall_seconds",
        "best",
        "evaluation",
        "since_log",
        "noise_scales",
    ]
    old = {key: META[key] for key in of_then} | {"format_version": 2}
    np.savez(tmp_path / "x.npz", **ARRAYS, __meta__=np.array(json.dumps(old)))
    found = read_checkpoint(tmp_path / "x.npz")
    assert (found.meta["steps"], found.meta["waiting"], found.meta["lost"], found.rows) == (64, None, [], {})
    assert found.meta["lengths"] == []


def test_format_5_did_not_record_the_lengths_of_a_run(tmp_path):
    old = {key: value for key, value in META.items() if key not in ("lengths", "since_log")}
    for version, message in ((5, None), (6, "lengths in its meta is None; it must be a list of whole numbers")):
        meta = {**old, "since_log": [], "format_version": version}
        np.savez(tmp_path / "x.npz", **ARRAYS, __meta__=np.array(json.dumps(meta)))
        if message is None:
            assert read_checkpoint(tmp_path / "x.npz").meta["lengths"] == []
        else:
            with pytest.raises(DamagedError, match=message):
                read_checkpoint(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ([1, 2], "its meta is no object"),
        ("x", "its meta is no object"),
        ({**META, "format_version": 99}, "has format version 99; this code reads 2 and 3"),
        ({**META, "steps": -1, "format_version": 3}, "steps in its meta is -1; it must be a whole number"),
        ({**META, "since_log": 3, "format_version": 3}, "since_log in its meta is 3"),
        ({"format_version": 3}, "steps in its meta is None"),
    ],
)
def test_a_meta_that_is_no_checkpoints_is_named(tmp_path, meta, message):
    np.savez(tmp_path / "x.npz", **ARRAYS, __meta__=np.array(json.dumps(meta)))
    with pytest.raises(ConfigError, match=message):
        read_checkpoint(tmp_path / "x.npz")


def test_no_damage_to_a_checkpoint_is_a_traceback_or_goes_unheard(tmp_path):
    """60 garbled, cut, or other files: each is refused, or the arrays are what they were."""
    write_checkpoint(tmp_path / "x.npz", Checkpoint(ARRAYS, META, {}))
    data, file, refused = (tmp_path / "x.npz").read_bytes(), tmp_path / "y.npz", 0
    np.save(tmp_path / "z.npy", np.ones(3))
    draw = random.Random(1)
    damaged = [b"", data[:-1], (tmp_path / "z.npy").read_bytes(), b"PK\x05\x06" + b"\x00" * 18, data[: len(data) // 2]]
    for _ in range(55):
        place = draw.randrange(len(data))
        damaged.append(data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :])
    for one in damaged:
        file.write_bytes(one)
        try:
            np.testing.assert_array_equal(read_checkpoint(file).arrays["torso/kernel"], ARRAYS["torso/kernel"])
        except ConfigError as error:
            assert str(error).startswith(f"{file} is not a readable checkpoint")
            refused += 1
    assert refused >= 5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_no_checkpoint(tmp_path, value):
    """But a compiled environment may hold what it likes in its own state."""
    bad = {"torso/kernel": np.array([1.0, value], np.float32)}
    write_checkpoint(tmp_path / "x.npz", Checkpoint(bad, META, {}))
    with pytest.raises(DamagedError, match="torso/kernel holds numbers that are not finite"):
        read_checkpoint(tmp_path / "x.npz")
    own = {"environment/inner": np.array([value]), **ARRAYS}
    write_checkpoint(tmp_path / "y.npz", Checkpoint(own, META, {"policy": np.array([value])}))
    assert set(read_checkpoint(tmp_path / "y.npz").arrays) == {"environment/inner", "torso/kernel"}


@pytest.mark.parametrize("name", ["checkpoint_000000000064.npz", "best.npz"])
def test_a_folder_by_a_checkpoints_name_is_in_the_way(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match="is not a file, though its name is a checkpoint's"):
        CheckpointFolder(tmp_path, keep=1).files()


def test_old_checkpoints_go_only_when_asked_for_and_the_interim_one_with_them(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    for step in (64, 128, 160, 192, 999):
        folder.save(Checkpoint({}, {"steps": step}, {}))
    assert list(folder.by_steps()) == [64, 128, 160, 192, 999]
    folder.prune(192, interim=160)
    assert list(folder.by_steps()) == [128, 192]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text(""), "it is not a folder"),
        (lambda path: path.symlink_to("/dev/null"), "it is not a folder"),
        (lambda path: path.symlink_to("nowhere"), "it is a link to nowhere, which is not there"),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    ],
    ids=["file", "device", "link to nowhere", "loop"],
)
def test_where_no_run_directory_can_be(tmp_path, make, message):
    make(tmp_path / "run")
    for path in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(ConfigError, match=f"no run directory can be at {path}") as error:
            check_place(path)
        assert message.removeprefix("it ") in str(error.value)


def test_no_run_lies_inside_another(tmp_path):
    (tmp_path / "outer").mkdir()
    mark(tmp_path / "outer", "run")
    for path in (tmp_path / "outer" / "seed-0", tmp_path / "outer" / "deep" / "er"):
        with pytest.raises(ConfigError, match="it would lie inside the run in"):
            check_place(path)
    check_place(tmp_path / "outer")


def test_a_name_too_long_is_refused_and_a_new_folder_is_not(tmp_path):
    with pytest.raises(ConfigError, match="file name too long"):
        check_place(tmp_path / ("a" * 300))
    check_place(tmp_path / "new" / "newer")


def test_the_first_cause_is_told(tmp_path):
    with pytest.raises(StorageError, match=r"No space left on device \(metrics.csv\)"), storing(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "metrics.csv")
    with pytest.raises(StorageError, match="gone is gone"), storing(tmp_path / "gone"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "metrics.csv")
