"""Experiments in Python: the command's run, a step at a time."""

import shutil
import signal
import threading
import time

import inside
import numpy as np
import pytest
import yaml
from processes import csv_rows

import rl
from rl.commands.recorded import recorded
from rl.errors import BusyError, ConfigError
from rl.learning.state import assign, read
from rl.runs.directory import RunDirectory

SMALL = (
    "environment=compiled/tabular/chain",
    "num_envs=4",
    "agent.rollout_length=8",
    "network.torso.widths=[8]",
    "evaluation.episodes=4",
    "evaluation.every_steps=320",
    "probe.every_steps=1",
    "probe.every_iterations=1",
    "threads=1",
)
RUN = (*SMALL, "steps=1280")  # 40 iterations of 32 steps


def checkpoint(run):
    with np.load(max((run / "checkpoints").glob("checkpoint_*.npz"))) as data:
        return {name: data[name] for name in data.files if name != "__meta__"}


def same_arrays(a, b):
    assert a.keys() == b.keys()
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)


def numbers(run):
    """The cells of metrics.csv, without times."""
    return [{tag: x for tag, x in row.items() if not tag.startswith("time/")} for row in csv_rows(run)]


@pytest.fixture(scope="module")
def command(root, tmp_path_factory):
    """The run of the command."""
    folder = tmp_path_factory.mktemp("command")
    result = inside.call(root, folder, "train.py", *RUN)
    assert result.returncode == 0, result.stderr
    (run,) = (folder / "runs" / "default").iterdir()
    return run


@pytest.fixture
def small(tmp_path):
    """Opens a small experiment, and closes it at the end."""
    opened = []

    def experiment(*overrides, folder="run", quiet=True):
        opened.append(rl.experiment(*SMALL, *overrides, folder=tmp_path / folder, quiet=quiet))
        return opened[-1]

    yield experiment
    for one in opened:
        one.close()


def test_in_pieces_it_is_the_run_of_the_command(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background process may ignore Ctrl-C
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run = rl.experiment(*RUN, quiet=True)
    assert run.folder == tmp_path / "runs" / "default" / command.name
    assert (run.iteration, run.num_iterations, run.metrics.columns) == (0, 40, {})
    assert run.train(iterations=5) is run
    expected = run.rows()
    numbers_of_step = run.step()
    assert run.iteration == 6
    # The next iteration's probe measures the rows that `rows` showed before it.
    for name, norm in expected.norms.items():
        np.testing.assert_allclose(numbers_of_step[f"gradient/norm/{name}"], norm, rtol=1e-5)
    assert set(expected.objectives) == {"policy", "value", "entropy"}
    np.testing.assert_allclose(
        numbers_of_step["gradient/cosine/policy-value"], expected.cosines.numpy()[0, 1], rtol=1e-4, atol=1e-6
    )
    assert run.evaluate(3).returns.shape == (3,)
    # A resumed experiment stands where this one stood, the unsaved step included once it is closed.
    run.close()
    with pytest.raises(ConfigError, match="cannot go on: it was closed"):
        run.train()
    again = rl.experiment(*RUN, quiet=True)
    assert again.iteration == 6
    # An interrupt ends the training after a host call; nothing is lost.
    log = again._run._log

    def interrupted(stretch):
        log(stretch)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.5)

    monkeypatch.setattr(again._run, "_log", interrupted)
    with pytest.raises(KeyboardInterrupt):
        again.train()
    monkeypatch.setattr(again._run, "_log", log)
    assert again.iteration == len(csv_rows(again.folder)) == 7
    assert max(again.folder.glob("checkpoints/*.npz")).name == "checkpoint_000000000224.npz"
    again.train()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    same_arrays(checkpoint(again.folder), checkpoint(command))
    assert numbers(again.folder) == numbers(command)
    summaries = [RunDirectory(place).summary() for place in (again.folder, command)]
    assert summaries[0]["status"] == summaries[1]["status"] == "completed"
    assert summaries[0]["evaluation"] == summaries[1]["evaluation"]
    signal.signal(signal.SIGINT, ignored)
    assert again.settings["agent.gamma"] == 0.99
    np.testing.assert_array_equal(again.metrics.steps, 32 * np.arange(1, 41))
    with pytest.raises(ConfigError, match=r"is complete at step 1,280: .*\(fresh=true\)"):
        again.train(iterations=1)
    with pytest.raises(ConfigError, match="is complete"):
        again.combiner = "upgrad"
    again.close()


def test_the_command_evaluates_the_same_episodes(root, command):
    run = rl.experiment(*RUN, folder=command, quiet=True)
    printed = inside.call(root, command, "evaluate.py", str(command), "--episodes", "6", "--seed", "3", "--json").stdout
    assert yaml.safe_load(printed)["returns"] == run.evaluate(6, seed=3).returns.tolist()
    run.close()


def test_another_combiner_goes_on_from_the_same_state(small, tmp_path, build, capsys):
    run = small("steps=320", "combiner=gradvac", "probe=none", quiet=False)
    run.train(iterations=3)
    assert "Training" not in capsys.readouterr().err
    before, variables = read(run._run.experiment.variables), run.weights
    slots = checkpoint(run.folder)
    run.set_combiner("cagrad", c=0.3)
    assert (type(run.combiner).__name__, run.combiner.c, run.combiner.scope) == ("CAGrad", 0.3, "global")
    assert all(run.weights[name] is variable for name, variable in variables.items())
    saved = checkpoint(run.folder)
    assert slots.keys() - saved.keys() == {name for name in slots if name.startswith("rules/update/combiner")} != set()
    same_arrays(saved, {name: slots[name] for name in saved})  # weights, slots, statistics, the environments: as before
    run.step()
    # The same iteration in an experiment that had this combiner from the start, at the same state.
    other = build(*SMALL, "steps=320", "probe=none", "combiner=cagrad", "combiner.c=0.3")
    rules = {name: rule._replace(combiner=()) for name, rule in before.rules.items()}
    assign(other.variables, before._replace(rules=rules))
    other.programs(probe_every=1).iterate(1)
    for part, tensors in other.variables.weights.items():
        for mine, theirs in zip(run._run.experiment.variables.weights[part], tensors, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    # The directory says so: its config, its changes, the log's new columns, and reports tell it from other runs.
    run.train(iterations=1)
    assert yaml.safe_load((run.folder / ".hydra" / "changes.yaml").read_text()) == [
        {"step": 96, "combiner": "cagrad", "settings": {"c": 0.3}}
    ]
    assert recorded(run.folder).settings["combiner.changed"] == "cagrad from step 96"
    assert recorded(run.folder).settings["combiner.c"] == 0.3
    assert len(csv_rows(run.folder)) == 5
    run.close()
    with pytest.raises(ConfigError, match="belongs to a run with another config: combiner"):
        small("steps=320", "probe=none", "combiner=gradvac")
    resumed = small("steps=320", "probe=none", "combiner=cagrad", "combiner.c=0.3")
    assert resumed.iteration == 5
    resumed.close()
    anew = small("steps=320", "probe=none", "fresh=true")
    anew.combiner = "mgda"
    assert yaml.safe_load((anew.folder / ".hydra" / "changes.yaml").read_text()) == [
        {"step": 0, "combiner": "mgda", "settings": {}}
    ]


def test_a_combiner_that_does_not_fit_changes_nothing(small):
    run = small("steps=320")
    for change, sentence in (
        (lambda: run.set_combiner("upgrat"), "combiner=upgrat is no choice .* did you mean upgrad"),
        (lambda: run.set_combiner("cagrad", c=-1), "combiner.c is -1; it must be"),
        (lambda: run.set_combiner("cagrad", k=1), "combiner.k"),
        (lambda: run.set_combiner(3), "combiner is 3; give the name"),
        (lambda: run.train(iterations=0), "iterations is 0; it must be a whole number, at least 1"),
        (lambda: run.evaluate(0), "episodes is 0; it must be a whole number from 1"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            change()
    assert (type(run.combiner).__name__, run.steps) == ("Sum", 0)
    folder = run.folder
    run.close()
    assert not folder.exists()  # nothing was trained, so nothing is left


@pytest.mark.parametrize(
    "wrong", ["agent.gamma=2", "agent.gama=0.9", "combiner=upgrat", "auxiliary=[terminatoin]", "network.shared=maybe"]
)
def test_errors_are_the_commands(root, tmp_path, wrong):
    printed = inside.call(root, tmp_path, "train.py", *SMALL, wrong)
    assert printed.returncode == 2
    with pytest.raises(ConfigError) as error:
        rl.experiment(*SMALL, wrong, folder=tmp_path / "run")
    assert printed.stderr.strip() == f"error: {error.value}"
    assert not (tmp_path / "run").exists()


def test_what_it_refuses_by_itself(small, tmp_path):
    with pytest.raises(ConfigError, match="seeds is 2: an experiment in Python is one run"):
        small("seeds=2")
    with pytest.raises(ConfigError, match=r"override \[3\] is no text"):
        small(3)
    directory = RunDirectory(tmp_path / "taken")
    directory.lock()
    with pytest.raises(BusyError, match="another process is training"):
        small(folder="taken")
    directory.unlock()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(ConfigError, match="is not a run directory"):
        small(folder="mine")


def test_a_cell_can_be_executed_again(small):
    first = small("steps=320")
    second = small("steps=320")
    with pytest.raises(ConfigError, match="cannot go on: it was closed"):
        first.step()
    assert second.steps == 0


def test_outside_of_compiled_environments_rows_are_those_of_the_newest_batch(small):
    gymnasium = ("environment=cartpole", "num_envs=2", "steps=64", "optimizer.learning_rate=1e-30")
    run = small(*gymnasium, "probe.every_steps=1")
    with pytest.raises(ConfigError, match=r"cannot take its steps back.*train first"):
        run.rows()
    logged = run.step()
    norms = run.rows().norms  # no step of 1e-30 changes a float32 weight, so the rows are still those of the probe
    for name in ("policy", "value"):
        np.testing.assert_allclose(logged[f"gradient/norm/{name}"], norms[name], rtol=1e-4)
    assert run.train().iteration == run.num_iterations == 4
    assert RunDirectory(run.folder).summary()["status"] == "completed"
    shutil.rmtree(run.folder)


def test_separate_torsos_have_no_rows(small):
    with pytest.raises(ConfigError, match=r"no weights are shared \(network.shared=false\)"):
        small("network.shared=false").rows()
