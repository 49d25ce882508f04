"""Environments in processes of their own: signals to the whole group, and a process that dies alone."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from processes import command, the_run, wait_for

ASYNC = ("environment=gymnasium", "environment.id=CartPole-v1", "environment.vectorization=async", "num_envs=2")
LONG = (*ASYNC, "probe=none", "steps=20_000_000", "logging.progress=false")


_ANOTHER_DEFAULT = """import multiprocessing, pathlib, runpy, sys
multiprocessing.set_start_method("forkserver")
del sys.argv[0]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")"""


@pytest.fixture
def training(root, tmp_path, request):
    """A run under way at the head of a process group of its own: the process, those of its environments, its folder.

    The parameter is Python, given before the script.
    """
    python, *script = command(root, *LONG)
    process = subprocess.Popen(
        [python, *getattr(request, "param", ()), *script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    group = tmp_path / "runs" / "default"
    wait_for(lambda: list(group.glob("*/metrics.csv")), process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    yield process, [int(child) for child in children], the_run(group)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def ended(process, run):
    printed, errors = process.communicate(timeout=60)
    summary = json.loads((run / "summary.json").read_text())
    newest = max((run / "checkpoints").glob("checkpoint_*.npz")).name
    assert newest == f"checkpoint_{summary['steps']:012d}.npz"
    assert "Traceback" not in printed + errors
    return summary, printed + errors


def has_ended(pid):
    """Gone, or dead and not yet waited for by whoever adopted it."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.parametrize(
    ("training", "number"), [((), signal.SIGINT), (("-c", _ANOTHER_DEFAULT), signal.SIGTERM)], indirect=["training"]
)
def test_a_signal_to_the_group_interrupts_saves_and_leaves_no_process(training, number):
    """Whatever Python's default start method: a fork server would end with the signal, and the environments with it."""
    process, children, run = training
    os.killpg(process.pid, number)
    summary, printed = ended(process, run)
    assert process.returncode == 130
    assert summary["status"] == "interrupted"
    assert "error" not in summary
    assert "the same command resumes it" in printed
    assert len(children) == 2
    assert all(map(has_ended, children))


def test_a_process_that_is_killed_is_named_and_what_was_trained_is_saved(training):
    process, children, run = training
    os.kill(children[1], signal.SIGKILL)
    summary, printed = ended(process, run)
    assert process.returncode == 3
    assert summary["status"] == "failed"
    assert "number 1, step" in summary["error"]
    assert "its process was killed by SIGKILL" in summary["error"]
    assert "\n" not in summary["error"]
    assert "error: environment 'CartPole-v1', number 1" in printed
    assert all(map(has_ended, children))
