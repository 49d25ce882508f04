"""An agent's memory across interruptions: beside the newest checkpoint alone, and what happens without it."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from faulting.comparison import differences
from faulting.small_runs import REMEMBERING, SmallRuns
from faulting.snapshots import snapshots

from rl.errors import BadEnvironmentError, ConfigError
from rl.runs.checkpoints import read_checkpoint
from rl.runs.memory import replay_bytes


def runs(folder):
    return folder / "seed=5", folder / "seed=6"


def files(folder):
    return sorted(file.name for file in (folder / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def train():
    return SmallRuns("seeds=2", base=REMEMBERING)


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """Two seeds of 120 steps, and what a kill before each of their file operations would have left."""
    folder = tmp_path_factory.mktemp("whole")
    with snapshots(folder / "runs", folder / "killed") as taken:
        train(*runs(folder / "runs"))
    return folder / "runs", taken


def test_the_memory_stands_beside_the_newest_checkpoint_alone(whole):
    for run in runs(whole[0]):
        checkpoints = ["checkpoint_000000000096.npz", "checkpoint_000000000120.npz"]
        assert files(run) == ["best.npz", *checkpoints, "memory_000000000120.npz"]
        for name in ("best.npz", *checkpoints):
            assert not any(name.startswith("sources/") for name in read_checkpoint(run / "checkpoints" / name).arrays)
        with np.load(run / "checkpoints" / "memory_000000000120.npz") as memory:
            assert memory["sources/update/reward"].shape == (35, 2)
            assert memory["sources/update/reward"].all()


@pytest.mark.parametrize(
    ("label", "which"),
    [
        ("fsync seed=5/checkpoints/memory_…", 1),  # neither has its memory of step 48
        ("fsync seed=5/checkpoints/checkpoint_…", -1),  # one has its last memory and no checkpoint that goes with it
        ("fsync seed=6/checkpoints/memory_…", -1),  # one has checkpoint and memory, the other the ones before
        ("remove seed=5/checkpoints/memory_…", -1),  # both have two memories
        ("remove seed=6/checkpoints/memory_…", 0),
    ],
)
def test_killed_before_an_operation_it_goes_on_bit_for_bit(train, whole, label, which, tmp_path):
    operations = [operation.label for operation, _ in whole[1]]
    states = [state for operation, state in whole[1] if operation.label == label]
    assert states, sorted(set(operations))
    shutil.copytree(states[which], tmp_path / "runs")
    train(*runs(tmp_path / "runs"))
    for one, other in zip(runs(tmp_path / "runs"), runs(whole[0]), strict=True):
        assert differences(one, other) == []


@pytest.mark.parametrize("fault", ["gone", "cut off"])
def test_without_its_memory_a_run_says_so_and_fills_it_again(train, whole, fault, tmp_path):
    """It goes on from step 72 of 120; the warm-up's two iterations pass before it learns again."""
    state = next(
        state
        for operation, state in whole[1]
        if operation.label == "fsync seed=5/checkpoints/memory_…"
        and (state / "seed=6/checkpoints/memory_000000000072.npz").exists()
    )
    shutil.copytree(state, tmp_path / "runs")
    for run in runs(tmp_path / "runs"):
        memory = run / "checkpoints/memory_000000000072.npz"
        if fault == "gone":
            memory.unlink()
        else:
            memory.write_bytes(memory.read_bytes()[:1000])
    summaries = train(*runs(tmp_path / "runs"))
    assert any("The memory is lost" in sentence for sentence in train.said)
    assert int(train.experiment.variables.begun) == 72 // 12
    for summary, run in zip(summaries, runs(tmp_path / "runs"), strict=True):
        assert summary["status"] == "completed"
        assert {"gone": "is missing", "cut off": "is not readable"}[fault] in summary["lost"][0]
        done = json.loads((runs(whole[0])[0] / "summary.json").read_text())["updates"]
        assert summary["updates"] == done - 24
        assert np.isfinite(read_checkpoint(run / "checkpoints/best.npz").arrays["q_0/linear/kernel"]).all()


def test_a_memory_that_is_not_saved(tmp_path):
    """checkpoint.replay=false: said at the start, no file, and said again when the run goes on."""
    train = SmallRuns("checkpoint.replay=false", "steps=72", base=REMEMBERING)
    train(tmp_path / "run")
    assert any("Its memory is not saved (checkpoint.replay=false)" in sentence for sentence in train.said)
    assert not any(name.startswith("memory") for name in files(tmp_path / "run"))


def test_an_unsound_step_fails_the_run_and_nothing_of_it_is_kept(tmp_path):
    """6 steps of 2 environments an iteration: step 27 is in the fifth, and the checkpoint after four stays."""
    bad = ("agent=sac_discrete", "environment=compiled/cartpole", "environment._target_=faulting.bad_compiled.Bad")
    small = (*bad, "+environment.fault=nan_observation", "+environment.at=27", "environment.max_episode_steps=50")
    train = SmallRuns(*small, "evaluation.every_steps=1_000", base=REMEMBERING)
    for _ in range(2):  # and again, when it is resumed
        with pytest.raises(BadEnvironmentError, match=r"Bad, number 0, step 27 \(27 of its episode\): the final obs"):
            train(tmp_path / "run")
        assert [name for name in files(tmp_path / "run") if name != "best.npz"] == [
            "checkpoint_000000000024.npz",
            "checkpoint_000000000048.npz",
            "memory_000000000048.npz",
        ]
        assert json.loads((tmp_path / "run/summary.json").read_text())["status"] == "failed"
        assert (tmp_path / "run/metrics.csv").read_text().count("\n") == 1 + 4
        assert not (tmp_path / "run/failure.npz").exists()


def test_a_gymnasium_run_that_goes_on_truncates_what_it_was_doing(tmp_path):
    """Its environments start afresh, so that the last remembered step of each is the last of its episode."""
    others = [override for override in REMEMBERING if not override.startswith("environment")]
    train = SmallRuns(base=["environment=pendulum", *others])
    with snapshots(tmp_path / "runs", tmp_path / "killed") as taken:
        train(tmp_path / "runs/seed=5")
    state = next(state for _, state in taken if (state / "seed=5/checkpoints/checkpoint_000000000072.npz").exists())
    shutil.copytree(state, tmp_path / "again")
    train(tmp_path / "again/seed=5")
    flags = {name: array for name, array in _memory(tmp_path / "again/seed=5").items() if name.endswith("/flags")}
    (again,) = flags.values()
    whole = _memory(tmp_path / "runs/seed=5")[next(iter(flags))]
    truncated = 2
    place = 72 // 2 - 1  # the ring has 35 rows
    assert np.all(again[place % 35] & truncated)
    assert not np.any(whole[place % 35] & truncated)


def _memory(run):
    with np.load(run / "checkpoints/memory_000000000120.npz") as memory:
        return dict(memory)


def test_a_memory_that_does_not_fit_is_refused(build):
    """10¹² steps of a pendulum: 3 + 3 + 1 + 1 numbers and 3 flags, of three seeds, three times."""
    overrides = ("agent=sac", "environment=compiled/pendulum", "seeds=3")
    need = r"replay\.capacity 1,000,000,000,000 × seeds 3 needs about 293,\d\d\d GiB "
    with pytest.raises(ConfigError, match=need + r".* a replay\.capacity of [\d,]+ or for fewer seeds\.") as refused:
        build(*overrides, "replay.capacity=1_000_000_000_000")
    fits = int(re.search(r"capacity of ([\d,]+)", str(refused.value))[1].replace(",", ""))
    assert replay_bytes(build(*overrides, "replay.capacity=1000000").learner) * 3 * (fits / 1e6) == pytest.approx(
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), rel=1e-3
    )


def test_minibatches_that_do_not_fit_are_refused(build):
    """10¹⁰ samples of 2 steps of 35 bytes, 4 times, and 2 × 512 + 512 + … activations each."""
    with pytest.raises(ConfigError, match=r"agent\.batch_size × agent\.n_step .* needs about \d\d,\d\d\d GiB"):
        build("agent=sac", "environment=compiled/pendulum", "agent.n_step=2", "agent.batch_size=10_000_000_000")
