"""Runs scripts/train.py as a user starts it, and reads what the runs leave."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl.reports.run_metrics import read_columns

SCRIPTS = Path(__file__).resolve().parent.parent
QUIET = (
    "checkpoint.every_steps=1_000_000_000",
    "evaluation.every_steps=1_000_000_000",
    "evaluation.episodes=8",
    "logging.progress=false",
)
"""Overrides with which a run does nothing but train until its end."""
_POLL_EVERY = 0.02  # seconds


class TrainError(RuntimeError):
    """train.py ended with an error; the message is what it printed."""


class Run(NamedTuple):
    """A finished run's folder, and the seconds from the start of the command to the end of the first iteration.

    With `seeds` above 1 the folder holds a run directory for each seed.
    """

    folder: Path
    seconds_to_start: float


def train(folder: Path, *overrides: str) -> Run:
    """Runs train.py once, in a new run directory below a folder.

    Raises: TrainError where it ends with another exit code than 0.
    """
    place = Path(tempfile.mkdtemp(dir=folder))
    run = place / "run"
    began = time.perf_counter()
    with (place / "printed").open("w+") as printed:
        command = [sys.executable, str(SCRIPTS / "train.py"), *overrides, f"hydra.run.dir={run}"]
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        while process.poll() is None and not _has_begun(run):
            time.sleep(_POLL_EVERY)
        seconds_to_start = time.perf_counter() - began
        if process.wait():
            printed.seek(0)
            raise TrainError(f"train.py {' '.join(overrides)} failed:\n{printed.read()}")
    return Run(run, seconds_to_start)


def combiner_names() -> list[str]:
    """The names of all choices in configs/combiner/, sorted."""
    files = (SCRIPTS.parent / "configs" / "combiner").glob("[!_]*.yaml")
    return sorted(file.stem for file in files)


def summary(run: Path) -> dict:
    """The contents of a run's summary.json."""
    return json.loads((run / "summary.json").read_text())


def rate(run: Path) -> float:
    """Environment steps per second of training, summed over the seeds."""
    return sum(summary(file.parent)["steps_per_second"] for file in run.rglob("summary.json"))


def column(run: Path, tag: str) -> np.ndarray:
    """A column of metrics.csv, [K] for K iterations; NaN where a cell is empty or the tag was never logged."""
    columns = read_columns(run / "metrics.csv")
    return columns.get(tag, np.full(len(columns["step"]), np.nan))


def _has_begun(run: Path) -> bool:
    """Whether the first iteration is in metrics.csv."""
    return any(file.read_text().count("\n") > 1 for file in run.rglob("metrics.csv"))
