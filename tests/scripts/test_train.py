"""scripts/train.py as a user runs it: to the end, again, killed, interrupted, and given bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import inside
import numpy as np
import pytest
from processes import csv_rows, start, the_run, train, wait_for
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl.commands import results
from rl.runs.directory import RunDirectory


def newest_weights(run):
    file = max((run / "checkpoints").glob("checkpoint_*.npz"))
    with np.load(file) as data:
        return {name: data[name] for name in data.files if name.startswith(("torso/", "policy/", "value/", "rules/"))}


def scalar_steps(run, tag):
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    return [event.step for event in events.Scalars(tag)]


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    """A run to the end, its folder and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    result = train(root, folder, "steps=4000", "logging.every_steps=256")
    return folder, folder / "runs" / "default", result.stdout


def test_a_run_leaves_what_the_design_promises(finished):
    _, group, printed = finished
    run = the_run(group)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "completed"
    assert (summary["steps"], summary["updates"], summary["seed"]) == (4096, 512, 0)
    assert summary["evaluation"]["episodes"] == 10
    assert set(summary["evaluation"]) == {"mean", "std", "iqm", "episodes", "cut"}
    assert summary["steps_per_second"] > 0
    assert summary["wall_seconds"] > 0
    assert "tensorflow" in summary["versions"]
    rows = csv_rows(run)
    assert [int(row["step"]) for row in rows] == list(range(128, 4097, 128))
    assert float(rows[0]["gradient/norm/value"]) > 0
    assert rows[1]["gradient/norm/value"] == ""
    assert (run / ".hydra" / "config.yaml").exists()
    assert list((run / "checkpoints").glob("checkpoint_*.npz"))
    assert (run / "checkpoints" / "best.npz").exists()
    assert "tensorboard --logdir runs" in printed
    assert scalar_steps(run, "episode/return") == list(range(256, 4097, 256))


def test_the_same_command_again_shows_the_result_and_does_nothing(root, finished):
    folder, group, _ = finished
    before = {file: file.stat().st_mtime_ns for file in the_run(group).rglob("*") if file.is_file()}
    result = train(root, folder, "logging.every_steps=256", "steps=4_000")  # another order, another spelling
    assert "complete" in result.stdout
    assert "Greedy evaluation" in result.stdout
    assert {file: file.stat().st_mtime_ns for file in the_run(group).rglob("*") if file.is_file()} == before


def test_a_complete_run_is_evaluated_again_with_other_episodes_and_says_so(root, finished, tmp_path):
    _, group, _ = finished
    shutil.copytree(group.parent, tmp_path / "runs")
    run = the_run(tmp_path / "runs" / "default")
    before = json.loads((run / "summary.json").read_text())
    kept = {file: file.read_bytes() for file in (run / "checkpoints").iterdir()}
    overrides = ("steps=4000", "logging.every_steps=256", "evaluation.episodes=4", "evaluation.max_steps=10")
    result = inside.train(root, tmp_path, *overrides, "probe=none")
    assert "evaluated again: evaluation.episodes was 10 and is 4; evaluation.max_steps was 27,000 and" in result.stdout
    assert "trained with other probes" in result.stdout
    after = json.loads((run / "summary.json").read_text())
    # A CartPole that stands for ten steps has the return 10.
    assert after["evaluation"] == {"mean": 10.0, "std": 0.0, "iqm": 10.0, "episodes": 4, "cut": 4}
    assert {**after, "evaluation": None} == {**before, "evaluation": None}
    assert {file: file.read_bytes() for file in (run / "checkpoints").iterdir()} == kept
    again = inside.train(root, tmp_path, *overrides)
    assert "complete; fresh=true starts over" in again.stdout
    assert "other probes" not in again.stdout


def test_a_damaged_log_of_a_complete_run_is_mended_and_said(root, finished, tmp_path):
    _, group, _ = finished
    shutil.copytree(group.parent, tmp_path / "runs")
    run = the_run(tmp_path / "runs" / "default")
    whole, weights = csv_rows(run), newest_weights(run)
    lines = (run / "metrics.csv").read_text().splitlines(keepends=True)
    (run / "metrics.csv").write_text("".join(lines[:10] + lines[14:]))
    overrides = ("steps=4000", "logging.every_steps=256")
    result = inside.train(root, tmp_path, *overrides, check=False)
    assert "is damaged: it has 28 rows of 32. It is rebuilt from what is left." in result.stdout
    assert "of 32 rows of metrics.csv" in result.stdout  # rebuilt, or lost where a point stands for two rows
    assert result.returncode == 4
    found = csv_rows(run)
    assert [row["step"] for row in found if row in whole] == [row["step"] for row in found]
    for name, array in newest_weights(run).items():
        np.testing.assert_array_equal(array, weights[name])
    for file in (run / "checkpoints").glob("*.npz"):
        file.unlink()
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "status": "interrupted"}))
    again = inside.train(root, tmp_path, *overrides, check=False)
    assert "has a log but no checkpoint: it starts over" in again.stdout
    assert csv_rows(run)[-1]["objective/value"] == whole[-1]["objective/value"]


def test_a_directory_of_another_config_is_refused_and_left_alone(root, finished):
    folder, group, _ = finished
    run = the_run(group)
    config = (run / ".hydra" / "config.yaml").read_text()
    overrides = ("steps=4000", "logging.every_steps=256", "agent.gamma=0.9")
    escaped = str(run).replace("=", r"\=").replace(",", r"\,")
    result = inside.train(root, folder, *overrides, f"hydra.run.dir={escaped}", check=False)
    assert result.returncode == 2
    assert "agent.gamma is 0.9, there 0.99" in result.stderr
    assert "Traceback" not in result.stderr
    assert (run / ".hydra" / "config.yaml").read_text() == config


def test_a_checkpoint_of_another_network_is_refused(root, finished):
    folder, group, _ = finished
    run = str(the_run(group)).replace("=", r"\=").replace(",", r"\,")
    options = (f"checkpoint.load={run}", "network.torso.widths=[8]", "seed=9")
    result = inside.train(root, folder, *options, check=False)
    assert result.returncode == 2
    assert "torso/dense_0/kernel has shape (4, 16), here (4, 8)" in result.stderr
    assert len(list(group.iterdir())) == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["agent=sacc"],
            "agent=sacc is no choice of configs/agent: there are a2c, ddpg, impala, mpo, ppg, ppo, sac, sac_discrete, "
            "td3; did you mean sac?",
        ),
        (["agent.gama=0.9"], "agent.gama is unknown; did you mean agent.gamma?"),
        (["agent=sac", "agent.warmup_step=3"], "agent.warmup_step is unknown; did you mean agent.warmup_steps?"),
        (["agent.warmup_steps=3"], "agent.warmup_steps is unknown; agent has "),
        (["stepps=3", "optimizer.learning_rate=-1"], "stepps is unknown; did you mean steps?"),
        (["agent=sac", "agent/bootstrap=tdc"], "agent/bootstrap is no group of configs that the other overrides"),
        (["seed.of=3"], "seed.of is unknown: seed is no group of settings here"),
        (["combiner=pcgrd"], "pcgrd"),
        (["agent=dqn"], "dqn"),
        (["environment=gymnasium", "environment.id=Cartpole-v1"], "Did you mean CartPole-v1"),
        (["optimizer.learning_rate=-1"], "optimizer.learning_rate is -1"),
        (["agent.minibatches=3"], "agent.minibatches is 3, which does not divide the batch of 128"),
        (["environment=gymnasium", "environment.id=Blackjack-v1"], "supported are Box and Discrete"),
        (["+unused=1"], "unused is unknown"),
        (["network.shared=no"], "network.shared is 'no'; it must be true or false"),
        (["fresh=off"], "fresh is 'off'; it must be true or false"),
        (["network.shared=false", "combiner=pcgrad"], "nothing to act on"),
        (["evaluation.videos=1.5"], "evaluation.videos is 1.5"),
    ],
)
def test_bad_input_is_one_message_and_leaves_nothing(root, tmp_path, overrides, message):
    result = inside.train(root, tmp_path, *overrides, check=False)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


LONG = ("steps=60_000", "checkpoint.every_steps=5_000", "logging.every_steps=640", "evaluation.every_steps=20_000")


def test_killed_in_the_middle_the_same_command_goes_on(root, tmp_path):
    process = start(root, tmp_path, *LONG)
    group = tmp_path / "runs" / "default"
    wait_for(lambda: len(list(group.glob("*/checkpoints/checkpoint_*.npz"))) >= 2, process)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run = the_run(group)
    with (run / "metrics.csv").open("a") as handle:
        handle.write("7777")  # a row that the crash cut off
    result = train(root, tmp_path, *LONG)
    assert "Going on from step" in result.stdout
    assert "fresh episodes" in result.stdout
    rows = csv_rows(run)
    last = 128 * -(-60_000 // 128)
    assert [int(row["step"]) for row in rows] == list(range(128, last + 1, 128))
    assert scalar_steps(run, "objective/value") == [*range(640, last, 640), last]
    assert len(set(scalar_steps(run, "evaluation/return"))) == len(scalar_steps(run, "evaluation/return"))
    assert json.loads((run / "summary.json").read_text())["status"] == "completed"


def assert_a_signal_saves_and_says_how_to_go_on(process, group, number):
    process.send_signal(number)
    printed, told = process.communicate(timeout=60)
    run = the_run(group)
    summary = json.loads((run / "summary.json").read_text())
    assert process.returncode == 130
    assert summary["status"] == "interrupted"
    assert f"{number.name}: ends after the running iterations." in told
    assert "the same command resumes it" in printed
    assert max((run / "checkpoints").glob("checkpoint_*.npz")).name == f"checkpoint_{summary['steps']:012d}.npz"


def test_interrupted_from_the_keyboard(root, tmp_path):
    process, group = start(root, tmp_path, *LONG, "probe=none"), tmp_path / "runs" / "default"
    wait_for(lambda: list(group.glob("*/metrics.csv")), process)
    assert_a_signal_saves_and_says_how_to_go_on(process, group, signal.SIGINT)


def test_two_processes_cannot_train_in_one_directory_and_the_first_can_be_terminated(root, tmp_path):
    longer = (*LONG, "probe=none", "steps=20_000_000")  # it must still run when the third one has started
    process, group = start(root, tmp_path, *longer), tmp_path / "runs" / "default"
    wait_for(lambda: list(group.glob("*/metrics.csv")), process)
    second = train(root, tmp_path, *longer, check=False)
    third = inside.train(root, tmp_path, *longer, check=False)  # the second one must not have taken the lock away
    for refused in (second, third):
        assert refused.returncode == 2
        assert "another process is training" in refused.stderr
    assert_a_signal_saves_and_says_how_to_go_on(process, group, signal.SIGTERM)


def test_a_number_that_is_not_finite_stops_the_run_and_is_named(root, tmp_path):
    result = train(
        root,
        tmp_path,
        "steps=20_000",
        "probe=none",
        "optimizer=sgd",
        "optimizer.learning_rate=1e30",
        "optimizer.clip_norm=null",
        check=False,
    )
    assert result.returncode == 3
    assert "is not finite at update" in result.stderr
    assert "objective" in result.stderr
    assert "Traceback" not in result.stderr
    run = the_run(tmp_path / "runs" / "default")
    assert json.loads((run / "summary.json").read_text())["status"] == "failed"
    with np.load(run / "failure.npz") as saved:
        assert saved["batch/observation"].shape == (32, 4)
        assert "torso/dense_0/kernel" in saved


def test_fresh_starts_over_and_the_same_seed_gives_the_same_weights_in_another_process(root, tmp_path, finished):
    folder, group, printed = finished
    shutil.copytree(folder / "runs", tmp_path / "runs")
    again = train(root, tmp_path, "steps=4000", "logging.every_steps=256", "fresh=true")
    assert "Training in" in printed
    assert "Training in" in again.stdout
    run = the_run(tmp_path / "runs" / "default")
    assert len(csv_rows(run)) == 32
    first, second = newest_weights(the_run(group)), newest_weights(run)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_who_reads_the_help_text_may_stop(root, tmp_path):
    """As `tapestry train --help | head` does."""
    command = [sys.executable, str(root / "scripts" / "train.py"), "--help"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    assert (process.wait(), errors) == (0, b"")


def test_help_is_worth_reading(root, tmp_path):
    result = inside.train(root, tmp_path, "--help")
    for word in ("imtl_g, mean, mgda, nash_mtl", "fresh=true starts over", "python scripts/train.py -m"):
        assert word in result.stdout
    assert "agent/bootstrap: residual, semi_gradient, tdc, tdrc" in result.stdout
    assert "agent/exploration: correlated, gsde, noise" in result.stdout
    assert "agent: a2c, ddpg, impala, mpo, ppg, ppo, sac, sac_discrete, td3\n" in result.stdout
    assert "_actor_critic" not in result.stdout.split("== Everything")[0]
    inspect = inside.call(root, tmp_path, "inspect_gradients.py", "--help")
    for command in ("audit RUN", "rows RUN", "whatif RUN", "compare RUN"):
        assert command in inspect.stdout


@pytest.mark.parametrize(
    ("place", "looked_at"),
    [("runs/default/seed-0", "runs"), ("elsewhere/run", "elsewhere/run"), ("run", "run")],
)
def test_what_to_look_at_is_no_folder_around_everything(tmp_path, monkeypatch, place, looked_at):
    monkeypatch.chdir(tmp_path)
    summary = {"evaluation": None, "steps_per_second": 1.0, "steps": 1, "updates": 1, "wall_seconds": 1.0}
    said = results.result([{**summary, "status": "completed"}], [RunDirectory(place)])
    assert said.endswith(f"--logdir {looked_at}")


def test_a_path_with_equals_signs_and_commas_is_taken_as_it_is(root, tmp_path, finished):
    """Such as the names that earlier versions gave."""
    _, group, _ = finished
    cut = "agent.rollout_length=32,evaluation.episodes=10,logging.every_steps=256,network.torso.widths=16,num_e"
    former = f"runs/default/{cut},etc_293782e665,seed=0"  # as an earlier version named this very command's run
    shutil.copytree(the_run(group), tmp_path / former)
    more = ("seed=9", "steps=128", "probe=none", "normalize.observations=true")
    result = inside.train(root, tmp_path, f"checkpoint.load={former}", *more)
    assert "trained without normalised observations, and go on with them" in result.stdout
    assert f"Starting from the weights of {former}/checkpoints" in result.stdout
    again = inside.train(root, tmp_path, "steps=4000", "logging.every_steps=256")
    assert "This run is complete" in again.stdout
    assert f"Run directory: {former}\n" in again.stdout
