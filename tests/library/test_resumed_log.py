"""A gradient log that goes on: it holds what an uninterrupted one holds, and nothing of another writer is touched."""

import numpy as np
import pytest
import tensorflow as tf
from sources import Folder

from rl import GradientLog
from rl.errors import ConfigError
from rl.tensorboard.event_files import read_events

OBJECTIVES, LAYERS = ["policy", "value"], {"dense_0": 6, "dense_1": 4}
SETTINGS = {"coefficients": {"value": 0.5}, "groups": {"actor": ["policy"], "critic": ["value"]}}


def opened(folder, **changes):
    return GradientLog(folder, **{"objectives": OBJECTIVES, "layers": LAYERS, **SETTINGS, **changes})


def write(log, steps):
    for step in steps:
        random = np.random.default_rng(step)
        rows = {name: [random.normal(size=size) for size in LAYERS.values()] for name in OBJECTIVES}
        log.write(step, rows=rows, losses={"policy": step / 7, "value": 2.0}, scalars={"episode/return": step})


def values(folder):
    """[(step, tag, value)] of all summaries, by step; Gramians and layouts as bytes."""
    found = [(event.step, value.tag, value) for event in read_events(folder) for value in event.summary.value]
    return sorted((step, tag, value.SerializeToString()) for step, tag, value in found)


@pytest.fixture
def whole(tmp_path):
    """The folder of an uninterrupted log."""
    with opened(tmp_path / "whole") as log:
        write(log, range(0, 100, 10))
    return tmp_path / "whole"


@pytest.mark.parametrize("restored", [0, 30, 35, 60, 1000])
def test_it_holds_what_an_uninterrupted_log_holds(whole, tmp_path, restored):
    """Interrupted at step 60, restored at a step before, at or after it."""
    with opened(tmp_path / "parts") as log:
        write(log, range(0, 70, 10))
    with opened(tmp_path / "parts", resume_from=restored) as log:
        assert log.last_gramian == min(restored // 10 * 10, 60)
        write(log, range(log.last_gramian + 10, 100, 10))
    assert values(tmp_path / "parts") == values(whole)
    series = Folder(tmp_path).series("parts", "whole")
    np.testing.assert_array_equal(series["parts"].steps, range(0, 100, 10))
    np.testing.assert_array_equal(series["parts"].gramians, series["whole"].gramians)


def test_a_record_that_a_crash_cut_off_is_dropped_and_the_next_log_goes_on(whole, tmp_path):
    with opened(tmp_path / "parts") as log:
        write(log, range(0, 70, 10))
    (file,) = (tmp_path / "parts").glob("events*")
    file.write_bytes(file.read_bytes()[:-9])
    for until in (80, 100):  # a log of two files goes on as well
        with opened(tmp_path / "parts", resume_from=50) as log:
            write(log, range(60, until, 10))
    assert values(tmp_path / "parts") == values(whole)
    assert len(list((tmp_path / "parts").glob("events*"))) == 3


def test_a_first_start_begins_a_log_and_other_writers_files_stay(tmp_path):
    other = tf.summary.create_file_writer(str(tmp_path))
    with other.as_default():
        tf.summary.scalar("theirs", 1.0, step=500)
    other.close()
    (theirs,) = tmp_path.glob("events*")
    content = theirs.read_bytes()
    for _ in range(2):
        with opened(tmp_path, resume_from=0) as log:
            write(log, [10])
    assert theirs.read_bytes() == content
    assert [step for step, tag, _ in values(tmp_path) if tag == "gradient/gramian"] == [10]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"resume_from": 20.5}, "resume_from: 20.5 was given; a step is a whole number"),
        ({"resume_from": -1}, "resume_from: -1 was given; a step is in 0 to 2⁵³"),
        ({}, "or the step at which a restored program goes on with its log (resume_from)"),
        (
            {"objectives": ["policy", "critic"], "coefficients": {}, "groups": None, "resume_from": 20},
            "objectives: ['policy', 'critic'] was given; the log that goes on has ['policy', 'value']",
        ),
        ({"coefficients": {"value": 1.0}, "resume_from": 20}, "coefficients: [1.0, 1.0] was given; the log"),
        ({"groups": None, "resume_from": 20}, "groups: {'policy': ['policy'], 'value': ['value']} was given; the log"),
        ({"combiner": "upgrad", "resume_from": 20}, "combiner: upgrad was given; the log that goes on has sum"),
        ({"layers": {"dense_0": 6, "dense_1": 5}, "resume_from": 20}, "layers: 'dense_1' has 5 weights; it had 4"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_dropped(whole, changes, sentence):
    before = {file: file.read_bytes() for file in whole.iterdir()}
    with pytest.raises(ConfigError) as error:
        opened(whole, **changes)
    assert sentence in str(error.value)
    assert {file: file.read_bytes() for file in whole.iterdir()} == before


def test_damage_and_the_runs_of_training_are_refused(whole):
    (file,) = whole.glob("events*")
    data = bytearray(file.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    file.write_bytes(data)
    with pytest.raises(ConfigError, match="is damaged at byte"):
        opened(whole, resume_from=20)
    assert file.read_bytes() == bytes(data)
    (whole / ".hydra").mkdir()
    with pytest.raises(ConfigError, match="is a run of `tapestry train`, which resumes its own log"):
        opened(whole, resume_from=20)
