"""What is written can be read back, and events after a checkpoint can be dropped."""

import resource

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl.errors import StorageError
from rl.runs.storage import storing
from rl.tensorboard.event_file import EventFile, python_records
from rl.tensorboard.event_files import keep_until, read_events, tensorflow_records
from rl.tensorboard.series_writer import scalars_summary
from rl.tensorboard.writer import Writer

both = pytest.mark.parametrize("records", [tensorflow_records, python_records])


@pytest.fixture
def folder(tmp_path):
    writer = Writer(tmp_path)
    writer.begin("a: 1\n", {"seed": 3.0, "agent": "ppo"})
    writer.layout(["episode/return", "gradient/norm/policy"])
    for step in range(100, 1001, 100):
        writer.scalars({"episode/return": float(step), "gradient/norm/policy": np.float32("nan")}, step)
    writer.histograms({"weights/torso": np.arange(10.0)}, 500)
    writer.close()
    return tmp_path


def read(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0, "histograms": 0})
    events.Reload()
    return events


def steps(folder, tag):
    return [event.step for event in read(folder).Scalars(tag)]


def test_scalars_come_back_and_nan_is_left_out(folder):
    events = read(folder)
    assert [(e.step, e.value) for e in events.Scalars("episode/return")] == [
        (s, float(s)) for s in range(100, 1001, 100)
    ]
    assert "gradient/norm/policy" not in events.Tags()["scalars"]


def test_the_config_and_the_layout_are_written_once(folder):
    written = [value.tag for event in read_events(folder) for value in event.summary.value]
    assert written.count("config") == written.count("custom_scalars__config__") == 1


def test_dropping_keeps_every_earlier_event_and_no_later_one(folder):
    before = read(folder).Tags()["tensors"]
    keep_until(folder, 400)
    assert steps(folder, "episode/return") == [100, 200, 300, 400]
    assert "config" in read(folder).Tags()["tensors"]
    assert set(before) - set(read(folder).Tags()["tensors"]) == {"weights/torso"}


def test_dropping_survives_a_truncated_record(folder):
    (file,) = folder.glob("events.out.tfevents.*")
    file.write_bytes(file.read_bytes()[:-7])
    keep_until(folder, 300)
    assert steps(folder, "episode/return") == [100, 200, 300]


def test_a_record_that_is_no_event_is_dropped_though_its_checksum_is_right(folder):
    (file,) = folder.glob("events.out.tfevents.*")
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in [*records[:4], b"\xff" * 20, *records[4:]]:
            writer.write(record)
    keep_until(folder, 10_000)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(file))] == records


def test_a_run_that_resumes_after_a_drop_has_no_step_twice(folder):
    keep_until(folder, 400)
    writer = Writer(folder)
    for step in range(500, 801, 100):
        writer.scalars({"episode/return": 0.0}, step)
    writer.close()
    assert sorted(steps(folder, "episode/return")) == list(range(100, 801, 100))


@both
def test_a_file_that_something_else_removes_or_changes_is_noticed(tmp_path, records):
    file, other = EventFile(tmp_path, records), EventFile(tmp_path, records)
    file.sync()
    file.path.unlink()
    with pytest.raises(FileNotFoundError):
        file.sync()
    with other.path.open("ab") as handle:
        handle.write(b"0")
    with pytest.raises(StorageError, match="was changed by something else"):
        other.sync()


@both
def test_a_full_disk_is_reported(tmp_path, records):
    """With `tf.summary` a failed write is reported at the next flush, if at all."""
    file = EventFile(tmp_path, records)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(StorageError, match="File too large"), storing(tmp_path):
            for step in range(100):
                file.write(scalars_summary({"a": 1.0}), step)
            file.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("status", "ends"), [("completed", True), ("failed", True), ("interrupted", False)])
def test_a_session_ends_with_its_run_and_not_before(tmp_path, status, ends):
    writer = Writer(tmp_path)
    writer.begin("a: 1\n", {"seed": 3.0})
    writer.scalars({"episode/return": 1.0}, 100)
    writer.end(status, 100)
    writer.close()
    assert ("_hparams_/session_end_info" in read(tmp_path).Tags()["tensors"]) == ends


def test_a_run_that_resumes_has_not_ended(tmp_path):
    """It failed at the step of its last checkpoint."""
    writer = Writer(tmp_path)
    writer.begin("a: 1\n", {"seed": 3.0})
    writer.scalars({"episode/return": 1.0}, 100)
    writer.end("failed", 100)
    writer.close()
    keep_until(tmp_path, 100)
    assert steps(tmp_path, "episode/return") == [100]
    assert "_hparams_/session_end_info" not in read(tmp_path).Tags()["tensors"]


def test_records_written_in_python_and_by_tensorflow_are_the_same_bytes(tmp_path):
    data = [b"", b"a", bytes(range(256)) * 9]
    for name, open_records in (("python", python_records), ("tensorflow", tensorflow_records)):
        records = open_records(tmp_path / name)
        for one in data:
            records.write(one)
        records.close()
    assert (tmp_path / "python").read_bytes() == (tmp_path / "tensorflow").read_bytes()
