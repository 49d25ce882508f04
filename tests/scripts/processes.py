"""train.py as processes: run to the end, started, waited for; and what a run left."""

import csv
import subprocess
import sys
import time

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


def train(root, folder, *overrides, check=True):
    result = subprocess.run(
        command(root, *overrides), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


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
