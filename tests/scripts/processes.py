"""train.py as processes: run to the end, started, waited for; and what a run left."""

import csv
import subprocess
import sys
import time

from faulting.commands import Process

SMALL = (
    "num_envs=4",
    "agent.rollout_length=32",
    "network.torso.widths=[16]",
    "evaluation.episodes=10",
    "probe.every_steps=512",
    "probe.every_iterations=1",
)


def command(root, *overrides):
    return [sys.executable, str(root / "scripts" / "train.py"), *SMALL, *overrides]


def run(folder, script, *arguments, check=True, environment=None):
    """Runs scripts/<script> to the end in a process of its own that need not import TensorFlow anew."""
    end = Process(folder, script, *arguments, apart=True, environment=environment).wait()
    assert not check or end.code == 0, end.printed + end.errors
    return subprocess.CompletedProcess([script, *arguments], end.code, end.printed, end.errors)


def train(root, folder, *overrides, check=True):
    return run(folder, "train.py", *SMALL, *overrides, check=check)


def start(root, folder, *overrides):
    return subprocess.Popen(
        command(root, *overrides), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, process, seconds=120):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "nothing happened in time"
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def the_run(group):
    (run,) = group.iterdir()
    return run


def csv_rows(run):
    with (run / "metrics.csv").open() as handle:
        return list(csv.DictReader(handle))
