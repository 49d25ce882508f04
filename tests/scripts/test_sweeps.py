"""Sweeps as a user runs them: what is done is skipped, what was cut off goes on, one failure stops nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import processes
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from rl.commands import choices, command_line, sweep_journal, sweeps
from rl.config_files import CONFIGS

SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=32",
    "network.torso.widths=[16]",
    "evaluation.episodes=10",
    "checkpoint.every_steps=2_000",
    "probe=none",
)


def sweep(root, folder, *overrides, environment=None):
    return processes.run(folder, "train.py", "-m", *SMALL, *overrides, check=False, environment=environment)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["combiner=sum,nope"], "combiner=nope is no choice of configs/combiner: there are aligned_mtl, cagrad"),
        (["environment=compiled/cartpole,compiled/nope"], "environment=compiled/nope is no choice"),
        (["agent/bootstrap=tdc,nope"], "agent/bootstrap=nope is no choice"),
        (["auxiliary=[termination],[nope]"], "auxiliary=nope is no choice of configs/auxiliary: there are decorr"),
        (["auxiliary=[]", "auxiliary=[termination,decorrelation]"], None),
        (["combiner=sum,pcgrad", "optimizer.learning_rate=1e-3,nope", "seed=range(3)", "combiner=choice(a,b)"], None),
    ],
)
def test_a_choice_that_is_not_there_is_named_before_the_first_job(overrides, sentence):
    said = command_line.unknown_choice(overrides, [CONFIGS])
    assert said is None if sentence is None else said.startswith(sentence)


@pytest.mark.parametrize("flags", [("--config-dir", "{}"), ("--config-dir={}",), ("-cd", "{}")])
def test_a_choice_in_a_folder_of_ones_own_is_known(tmp_path, flags):
    (tmp_path / "combiner").mkdir()
    (tmp_path / "combiner" / "mine.yaml").write_text("defaults: [sum, _self_]\n")
    folders = choices.config_folders(["-m", *(flag.format(tmp_path) for flag in flags), "combiner=sum,mine"])
    assert command_line.unknown_choice(["combiner=sum,mine"], folders) is None
    said = command_line.unknown_choice(["combiner=mine,yours"], folders)
    assert "combiner=yours is no choice" in said
    assert said.endswith(", value_only, mine.")


def test_the_launchers_processes_find_the_package_and_none_of_its_modules_by_their_own_name(root, monkeypatch):
    """A folder of the package on PYTHONPATH would hide modules of the standard library, such as `inspect`."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("of_mine", str(root))))
    assert sweeps.worker_path() == [str(root), str(Path("of_mine").absolute())]


def test_the_flag_may_stand_between_overrides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", "steps=10", "-m", "seed=0,1"])
    seen = []
    assert sweeps.command(lambda: seen.extend(sys.argv[1:])) == 0
    assert seen[0] == "-m"
    assert seen[-2:] == ["steps=10", "seed=0,1"]
    assert all("=" in given for given in seen[1:])


def runs(folder):
    """{what the run is called by its seed and combiner: (summary, its directory)}."""
    found = {}
    for file in sorted(folder.glob("runs/default/*/summary.json")):
        parts = dict(part.split("-", 1) for part in file.parent.name.split("__"))
        found[parts.get("combiner", "sum"), int(parts["seed"])] = json.loads(file.read_text()), file.parent
    return found


def newest(run):
    (*_, file) = sorted((run / "checkpoints").glob("checkpoint_*.npz"), key=lambda file: int(file.stem.split("_")[1]))
    with np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files if name != "__meta__"}


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.fixture(scope="module")
def undisturbed(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    result = sweep(root, folder, "combiner=sum,pcgrad", "seed=range(2)", "steps=6_000")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, result


def test_it_ends_with_a_table_of_all_jobs(undisturbed):
    folder, result = undisturbed
    assert "4 jobs in" in result.stdout
    assert "4 done" in result.stdout.splitlines()[-1]
    assert sorted(runs(folder)) == [("pcgrad", 0), ("pcgrad", 1), ("sum", 0), ("sum", 1)]
    assert not list(folder.glob(".sweep_*"))


def test_again_everything_is_skipped_whatever_the_order(root, undisturbed):
    folder, _ = undisturbed
    before = {key: summary for key, (summary, _) in runs(folder).items()}
    again = sweep(root, folder, "steps=6000", "seed=1,0", "combiner=pcgrad,sum")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "4 skipped" in again.stdout.splitlines()[-1]
    assert {key: summary for key, (summary, _) in runs(folder).items()} == before


def test_hparams_hold_what_was_swept_beside_all_else_one_type_a_key(undisturbed):
    for (combiner, seed), (_, run) in runs(undisturbed[0]).items():
        contents = EventAccumulator(str(run)).Reload().PluginTagToContent("hparams")
        session = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
        found = {key: getattr(value, value.WhichOneof("kind")) for key, value in session.hparams.items()}
        assert (found["combiner"], found["seed"]) == (combiner, float(seed))
        assert found["agent.gamma"] == 0.99


def test_a_seed_that_compiles_nothing_again_is_what_it_is_alone(undisturbed, tmp_path):
    folder, _ = undisturbed
    processes.run(tmp_path, "train.py", *SMALL, "seed=1", "steps=6_000")
    assert_same_bits(newest(runs(tmp_path)["sum", 1][1]), newest(runs(folder)["sum", 1][1]))


def test_what_is_refused_stops_nothing_and_is_told(root, tmp_path):
    folder = tmp_path / r"it's a \ folder"
    folder.mkdir()
    rates = "optimizer.learning_rate=-1,1e-3,${nothing}"
    result = sweep(root, folder, rates, "combiner=sum,_scope", "network.torso.widths=[8],[]", "steps=1_000")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "11 refused, 1 done" in result.stdout.splitlines()[-1]
    assert "optimizer.learning_rate is -1; it must be a positive number." in result.stdout
    assert "Interpolation key 'nothing' not found" in result.stdout
    assert "it must hold the keys of configs/: choose combiner=aligned_mtl or" in result.stdout
    assert "network.torso.widths=[8], optimizer.learning_rate=0.001, combiner=sum: done" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    left = [path for path in (folder / "runs" / "default").iterdir() if path.is_dir()]
    assert left == [run for _, run in runs(folder).values()]


def test_a_journal_is_empty_and_its_loss_harms_no_job(tmp_path, monkeypatch, capsys):
    own = sweep_journal.new_journal(tmp_path, ["seed=1,2"])
    sweep_journal.write(own, sweep_journal.Outcome("done", number=5))
    of_another_machine = tmp_path / f".sweep_elsewhere_{os.getpid()}"
    of_the_dead = own.with_name(own.name.removesuffix(str(os.getpid())) + "99999999")
    for folder in (of_another_machine, of_the_dead):
        folder.mkdir()
    again = sweep_journal.new_journal(tmp_path, ["seed=1,2"])  # by a process that happens to have the same number
    assert (again, sweep_journal.read(again)) == (own, [])
    assert (of_another_machine.exists(), of_the_dead.exists()) == (True, False)
    assert sweep_journal.arguments(again) == ["seed=1,2"]
    shutil.rmtree(again)
    assert sweep_journal.arguments(again) == []
    sweep_journal.write(again, sweep_journal.Outcome("done", number=1))
    assert [outcome.number for outcome in sweep_journal.read(again)] == [1]
    sweep_journal.write(tmp_path / "not" / "there", sweep_journal.Outcome("done", number=2, name="a job"))
    assert "a job: done, which could not be written down" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["-m", "--multirun", "--multi", "hydra.mode=MULTIRUN"])
def test_every_way_to_ask_for_a_sweep_is_seen(argument):
    assert command_line.asks_for_a_sweep(argument)


@pytest.mark.parametrize("argument", ["--", "--m", "-n", "hydra.mode=RUN", "seed=1", "--multiple"])
def test_nothing_else_is_taken_for_one(argument):
    assert not command_line.asks_for_a_sweep(argument)


def test_what_failed_is_repeated_only_on_request(root, tmp_path):
    arguments = ("optimizer.learning_rate=1e30", "optimizer.clip_norm=null", "steps=2_000")
    first = sweep(root, tmp_path, *arguments)
    assert first.returncode == 1
    assert "1 failed" in first.stdout.splitlines()[-1]
    (before, run) = runs(tmp_path)["sum", 0]
    assert before["status"] == "failed"
    second = sweep(root, tmp_path, *arguments)
    assert second.returncode == 1
    assert "failed earlier" in second.stdout
    assert json.loads((run / "summary.json").read_text()) == before
    third = sweep(root, tmp_path, *arguments, "retry_failed=true")
    assert "1 failed" in third.stdout.splitlines()[-1]
    assert "failed earlier" not in third.stdout


def test_killed_in_the_middle_it_goes_on_to_the_same_end(root, undisturbed, tmp_path):
    arguments = ("combiner=sum,pcgrad", "seed=range(2)", "steps=6_000")
    command = [sys.executable, str(root / "scripts" / "train.py"), "-m", *SMALL, *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 200
    # In the second job, after its first checkpoint.
    while not list(tmp_path.glob("runs/default/*seed-1/checkpoints/*.npz")):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    statuses = [summary["status"] for summary, _ in runs(tmp_path).values()]
    assert "completed" in statuses
    result = sweep(root, tmp_path, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" in result.stdout.splitlines()[-1]
    expected = runs(undisturbed[0])
    for key, (summary, run) in runs(tmp_path).items():
        assert summary["status"] == "completed"
        assert_same_bits(newest(run), newest(expected[key][1]))


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_every_launcher_gives_the_same_results(root, undisturbed, tmp_path, launcher):
    pytest.importorskip({"joblib": "joblib", "submitit_local": "submitit"}[launcher])
    assert_as_undisturbed(root, tmp_path, undisturbed[0], f"hydra/launcher={launcher}")


def test_so_does_a_ray_cluster_of_two_nodes(root, undisturbed, tmp_path):
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        environment = {**os.environ, "RAY_ADDRESS": cluster.address}
        assert_as_undisturbed(root, tmp_path, undisturbed[0], "hydra/launcher=ray", environment=environment)
    finally:
        cluster.shutdown()


def assert_as_undisturbed(root, folder, undisturbed, launcher, **more):
    result = sweep(root, folder, "seed=range(2)", "steps=6_000", launcher, **more)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 done" in result.stdout
    expected = runs(undisturbed)
    for key, (_, run) in runs(folder).items():
        assert_same_bits(newest(run), newest(expected[key][1]))


def test_optuna_gets_the_objective_and_passes_over_what_failed(root, tmp_path):
    pytest.importorskip("optuna")
    result = sweep(
        root,
        tmp_path,
        "hydra/sweeper=optuna",
        "hydra.sweeper.sampler.seed=1",
        "hydra.sweeper.n_trials=4",
        "hydra.sweeper.n_jobs=1",
        "optimizer.learning_rate=choice(-1,0.001)",
        "objective=iqm",
        "steps=1_000",
    )
    assert result.returncode == 1, result.stdout + result.stderr  # one job was refused
    assert "done" in result.stdout
    assert "refused" in result.stdout
    (file,) = tmp_path.glob("runs/default/optimization_results.yaml")
    text = file.read_text()
    assert "optimizer.learning_rate: 0.001" in text
    (summary, _) = runs(tmp_path)["sum", 0]
    assert "max_failure_rate" not in result.stdout + result.stderr
    assert float(text.split("best_value:")[1]) == pytest.approx(summary["evaluation"]["iqm"])
