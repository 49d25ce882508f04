"""seeds=…: one command, a directory for each seed as if it had been alone."""

import fcntl
import json

import inside
import numpy as np
import pytest
from processes import train

SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=32",
    "network.torso.widths=[16]",
    "evaluation.episodes=10",
    "seed=3",
)


def test_a_directory_for_each_seed_which_goes_on_alone_or_together(root, tmp_path):
    first = train(root, tmp_path, *SMALL, "seeds=2", "steps=2_000", "hydra.run.dir=here")
    assert "2 seeds in one program" in first.stdout
    assert "over 2 seeds, 10 episodes each" in first.stdout
    for seed in (3, 4):
        run = tmp_path / "here" / f"seed-{seed}"
        summary = json.loads((run / "summary.json").read_text())
        assert (summary["status"], summary["seed"], summary["steps"]) == ("completed", seed, 2048)
        assert summary["evaluation"]["episodes"] == 10
        assert list(run.glob("events.out.tfevents*"))
        assert (run / "metrics.csv").read_text().count("\n") == 1 + 16
        assert f"seed: {seed}\n" in (run / ".hydra" / "config.yaml").read_text()
    again = inside.train(root, tmp_path, *SMALL, "seeds=2", "steps=2_000", "hydra.run.dir=here")
    assert "These 2 runs are complete" in again.stdout
    alone = inside.train(root, tmp_path, *SMALL[:-1], "seed=4", "steps=2_000", r"hydra.run.dir=here/seed-4")
    assert "This run is complete" in alone.stdout


def weights(run):
    with np.load(max((run / "checkpoints").glob("checkpoint_*.npz"))) as arrays:
        return {name: arrays[name] for name in arrays.files if name != "__meta__"}


def test_more_seeds_join_those_that_are_complete(root, tmp_path):
    short = (*SMALL, "steps=1_000", "probe=none")
    inside.train(root, tmp_path, *short, "seeds=3", "hydra.run.dir=at_once")
    inside.train(root, tmp_path, *short, "seeds=1", "hydra.run.dir=bit_by_bit/seed-3")
    first = (tmp_path / "bit_by_bit" / "seed-3" / "summary.json").read_bytes()
    result = inside.train(root, tmp_path, *short, "seeds=3", "hydra.run.dir=bit_by_bit")
    assert "2 seeds in one program" in result.stdout
    assert (tmp_path / "bit_by_bit" / "seed-3" / "summary.json").read_bytes() == first
    for seed in (3, 4, 5):
        one, other = (weights(tmp_path / place / f"seed-{seed}") for place in ("at_once", "bit_by_bit"))
        for name in ("policy/logits/kernel", "torso/dense_0/kernel", "value/linear/bias", "seed"):
            # Another number of seeds is another program, which may round otherwise.
            np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-6, err_msg=f"{seed} {name}")

    # Starting over needs all of the directories; while another process has one, none is touched.
    with (tmp_path / "at_once" / "seed-5" / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        refused = inside.train(root, tmp_path, *short, "seeds=3", "hydra.run.dir=at_once", "fresh=true", check=False)
    assert refused.returncode == 2
    assert "another process is training in" in refused.stderr
    assert weights(tmp_path / "at_once" / "seed-3").keys()


def test_a_damaged_checkpoint_costs_no_more_than_the_way_from_the_one_before(root, tmp_path):
    command = (*SMALL, "steps=2_000", "checkpoint.every_steps=1_000", "probe=none", "hydra.run.dir=here")
    inside.train(root, tmp_path, *command)
    run = tmp_path / "here"
    expected = weights(run)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
    newest = max((run / "checkpoints").glob("checkpoint_*.npz"))
    newest.write_bytes(newest.read_bytes()[:1_000])
    result = inside.train(root, tmp_path, *command)
    assert f"{newest} is not a readable checkpoint" in result.stdout
    assert "Going on from step 1,024." in result.stdout
    for name, array in weights(run).items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert (run / "metrics.csv").read_text().count("\n") == 1 + 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("seeds=2", "hydra.sweep.dir=there"), "hydra.sweep.dir places the jobs of a sweep, and this is none"),
        (("-m", "seed=1,2", "++hydra.run.dir=there"), "hydra.run.dir places a single run, and this is a sweep"),
    ],
)
def test_a_place_that_nothing_would_read_is_refused(root, tmp_path, arguments, message):
    result = inside.train(root, tmp_path, *arguments, check=False)
    assert result.returncode == 2
    assert f"error: {message}" in result.stderr
    assert not list(tmp_path.iterdir())


def test_environments_that_are_not_compiled_are_refused_without_a_trace(root, tmp_path):
    result = inside.train(root, tmp_path, "seeds=3", check=False)
    assert result.returncode == 2
    assert "only runs in a compiled environment train together" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())
