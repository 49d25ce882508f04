"""A compiled environment is a part of the checkpoint: a killed run ends where it would have ended."""

import os
import signal

import numpy as np
import pytest
from processes import csv_rows, start, the_run, train, wait_for

STEPS = 300_032
LONG = (
    "environment=compiled/cartpole",
    f"steps={STEPS}",
    "checkpoint.every_steps=25_000",
    "probe.every_steps=5_000",
    "probe.every_iterations=1",
    "evaluation.every_steps=100_000",
)


def newest_arrays(run):
    with np.load(max((run / "checkpoints").glob("checkpoint_*.npz"))) as data:
        return {name: data[name] for name in data.files if not name.startswith("__")}


@pytest.fixture(scope="module")
def killed(root, tmp_path_factory):
    """A run that was killed in the middle and then completed by the same command."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(root, folder, *LONG)
    group = folder / "runs" / "default"
    wait_for(lambda: len(list(group.glob("*/checkpoints/checkpoint_*.npz"))) >= 2, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    result = train(root, folder, *LONG)
    assert "Going on from step" in result.stdout
    assert "fresh episodes" not in result.stdout
    return the_run(group)


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    """The same run without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    train(root, folder, *LONG)
    return the_run(folder / "runs" / "default")


def test_weights_slots_copies_and_environments_are_the_same_bits(killed, whole):
    one, other = newest_arrays(killed), newest_arrays(whole)
    assert one.keys() == other.keys()
    for part in ("torso/", "rules/", "frozen/", "environment/", "observation", "episodes/", "normalizer/"):
        assert any(name.startswith(part) for name in one), part
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_every_iteration_is_logged_once_and_alike(killed, whole):
    one, other = csv_rows(killed), csv_rows(whole)
    assert [int(row["step"]) for row in one] == list(range(128, STEPS + 1, 128))
    for a, b in zip(one, other, strict=True):
        assert {tag: x for tag, x in a.items() if not tag.startswith("time/")} == {
            tag: x for tag, x in b.items() if not tag.startswith("time/")
        }
