"""seeds=…: one command, a directory for each seed as if it had been alone."""

import json

import inside
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
        run = tmp_path / "here" / f"seed={seed}"
        summary = json.loads((run / "summary.json").read_text())
        assert (summary["status"], summary["seed"], summary["steps"]) == ("completed", seed, 2048)
        assert summary["evaluation"]["episodes"] == 10
        assert list(run.glob("events.out.tfevents*"))
        assert (run / "metrics.csv").read_text().count("\n") == 1 + 16
        assert f"seed: {seed}\n" in (run / ".hydra" / "config.yaml").read_text()
    again = inside.train(root, tmp_path, *SMALL, "seeds=2", "steps=2_000", "hydra.run.dir=here")
    assert "These 2 runs are complete" in again.stdout
    alone = inside.train(root, tmp_path, *SMALL[:-1], "seed=4", "steps=2_000", r"hydra.run.dir=here/seed\=4")
    assert "This run is complete" in alone.stdout


def test_environments_that_are_not_compiled_are_refused_without_a_trace(root, tmp_path):
    result = inside.train(root, tmp_path, "seeds=3", check=False)
    assert result.returncode == 2
    assert "only runs in a compiled environment train together" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())
