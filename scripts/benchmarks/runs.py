"""Runs scripts/train.py as a user starts it, and finds what the runs leave."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl.runs.layout import METRICS, SUMMARY
from rl.runs.reader import RecordedRun

SCRIPTS = Path(__file__).resolve().parent.parent
QUIET = (
    "checkpoint.every_steps=1_000_000_000",
    "evaluation.every_steps=1_000_000_000",
    "evaluation.episodes=8",
    "logging.progress=false",
)
"""Nothing but training until the end."""
_LOOK_EVERY = 0.02  # seconds


class TrainError(RuntimeError):
    """train.py ended with an error; the message is what it printed."""


class TimedRun(NamedTuple):
    """A finished run's folder, and the seconds from the start of the command to the end of the first iteration.

    With `seeds` above 1 the folder holds one of each seed.
    """

    folder: Path
    seconds_to_start: float


def train(folder: Path, *overrides: str) -> TimedRun:
    """Runs train.py once, in a new run directory below a folder.

    Raises: TrainError.
    """
    place = Path(tempfile.mkdtemp(dir=folder))
    run = place / "run"
    began = time.perf_counter()
    with (place / "printed").open("w+") as printed:
        command = [sys.executable, str(SCRIPTS / "train.py"), *overrides, f"hydra.run.dir={run}"]
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        while process.poll() is None and not _has_begun(run):
            time.sleep(_LOOK_EVERY)
        seconds_to_start = time.perf_counter() - began
        if process.wait():
            printed.seek(0)
            raise TrainError(f"train.py {' '.join(overrides)} failed:\n{printed.read()}")
    return TimedRun(run, seconds_to_start)


def combiner_names() -> list[str]:
    """Of all the choices in configs/combiner/."""
    files = (SCRIPTS.parent / "configs" / "combiner").glob("[!_]*.yaml")
    return sorted(file.stem for file in files)


def runs_below(folder: Path) -> list[RecordedRun]:
    """The runs in a folder, which may be a run directory itself, sorted by path."""
    return [RecordedRun(file.parent) for file in sorted(folder.rglob(SUMMARY))]


def rate(folder: Path) -> float:
    """Environment steps per second of training, summed over the runs in a folder."""
    return sum(run.summary["steps_per_second"] for run in runs_below(folder))


def update_rate(folder: Path) -> float:
    """Minibatches learnt from per second, summed over the runs in a folder, without iterations that only act."""
    return sum(map(_update_rate, runs_below(folder)))


def _update_rate(run: RecordedRun) -> float:
    """Minibatches per second of one run; of an agent with several updates the most frequent one counts them."""
    metrics = run.metrics
    counts = [column for tag, column in metrics.columns.items() if tag.startswith("update/count")]
    updates = np.max(counts, axis=0)  # NaN in an iteration without learning
    seconds = np.diff(metrics.steps, prepend=0.0) / metrics.column("time/steps_per_second")
    learning = np.isfinite(updates)
    return float(updates[learning].sum() / seconds[learning].sum())


def _has_begun(run: Path) -> bool:
    """Whether the first iteration is in metrics.csv."""
    return any(file.read_text().count("\n") > 1 for file in run.rglob(METRICS))
