"""A compiled environment is a part of the checkpoint: a killed run ends where it would have ended."""

import shutil
import signal

import numpy as np
import pytest
from processes import csv_rows, start, the_run, train, wait_for
from sources import Folder

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
def whole_and_killed(root, tmp_path_factory):
    """A run without an interruption; and what a kill in the middle would have left of it, completed by its command.

    Stopped, it leaves in its directory what it would leave if it were killed: the rest is in its memory.
    """
    whole, killed = (tmp_path_factory.mktemp(name) for name in ("whole", "killed"))
    process = start(root, whole, *LONG)
    wait_for(lambda: len(list(whole.glob("runs/default/*/checkpoints/checkpoint_*.npz"))) >= 2, process)
    process.send_signal(signal.SIGSTOP)
    shutil.copytree(whole / "runs", killed / "runs")
    process.send_signal(signal.SIGCONT)
    result = train(root, killed, *LONG)
    assert "Going on from step" in result.stdout
    assert "fresh episodes" not in result.stdout
    printed, errors = process.communicate()
    assert process.returncode == 0, printed + errors
    return the_run(whole / "runs" / "default"), the_run(killed / "runs" / "default")


def test_weights_slots_copies_and_environments_are_the_same_bits(whole_and_killed):
    other, one = (newest_arrays(run) for run in whole_and_killed)
    assert one.keys() == other.keys()
    for part in ("torso/", "rules/", "frozen/", "environment/", "observation", "episodes/", "normalizer/"):
        assert any(name.startswith(part) for name in one), part
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_every_iteration_is_logged_once_and_alike(whole_and_killed):
    other, one = (csv_rows(run) for run in whole_and_killed)
    assert [int(row["step"]) for row in one] == list(range(128, STEPS + 1, 128))
    for a, b in zip(one, other, strict=True):
        assert {tag: x for tag, x in a.items() if not tag.startswith("time/")} == {
            tag: x for tag, x in b.items() if not tag.startswith("time/")
        }


def test_every_probed_iteration_has_one_gramian_and_alike(whole_and_killed):
    other, one = (Folder(run.parent).series(run.name)[run.name] for run in whole_and_killed)
    probed = [int(row["step"]) for row in csv_rows(whole_and_killed[0]) if row["gradient/norm/value"]]
    assert one.steps.tolist() == other.steps.tolist() == probed
    np.testing.assert_array_equal(one.gramians, other.gramians)
