"""Functions of the studies in experiments/: training every setting with many seeds, and statistics over the runs."""

import argparse
import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import hydra
import numpy as np
from benchmarks.runs import SCRIPTS, column, summary

from rl.commands.composition import CONFIGS, load_config
from rl.commands.progress import progress
from rl.commands.run_names import what_tells_apart
from rl.reports import run_metrics

_RESAMPLES = 10_000


def arguments(description: str, environments: Sequence[str]) -> argparse.Namespace:
    """The arguments of a study's command line: `folder` of the runs, and `only`, the environments to train and show."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/studies"), help="where the runs are kept")
    parser.add_argument("--only", nargs="*", choices=environments, default=environments, help="environments (all)")
    return parser.parse_args()


def train_settings(settings: Mapping[str, Sequence[str]], folder: Path, *, seeds: int) -> None:
    """Trains seeds 0, 1, … of every setting in one program, into <folder>/<setting>/seed=<seed>.

    Complete runs are skipped and interrupted ones resumed, so that the same command finishes a study that was stopped.

    Args:
        settings: {name: overrides of train.py}.
    Raises: CalledProcessError where train.py fails.
    """
    for name in progress(list(settings), "settings"):
        overrides = [*settings[name], f"seeds={seeds}", "logging.progress=false"]
        if not _trained(runs_of(folder, name, seeds=seeds), overrides):
            place = f"hydra.run.dir='{folder / name}/seed=0'"
            command = [sys.executable, str(SCRIPTS / "train.py"), *overrides, place]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _trained(runs: Sequence[Path], overrides: Sequence[str]) -> bool:
    """Whether all are complete runs with these overrides; in every other case train.py decides what to do."""
    if not all((run / "summary.json").exists() and summary(run)["status"] == "completed" for run in runs):
        return False
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        asked = what_tells_apart(hydra.compose("train", overrides=list(overrides)))
    return all(what_tells_apart(load_config(run)) == asked for run in runs)


def runs_of(folder: Path, name: str, *, seeds: int) -> list[Path]:
    """The run directories of a setting, by seed."""
    return [folder / name / f"seed={seed}" for seed in range(seeds)]


def last_returns(run: Path, share: float = 0.05) -> float:
    """The mean return of the episodes that ended in the last `share` of training."""
    return run_metrics.training_return(run_metrics.read_columns(run / "metrics.csv"), share)


def last_checkpoint(run: Path) -> dict[str, np.ndarray]:
    """{name: array} of the newest checkpoint; see rl/runs/checkpoints.py."""
    with np.load(max(run.glob("checkpoints/checkpoint_*.npz"))) as arrays:
        return {name: arrays[name] for name in arrays.files if name != "__meta__"}


def typical(run: Path, tag: str) -> float:
    """The median of a tag over training; NaN where it was never logged."""
    return run_metrics.typical(run_metrics.read_columns(run / "metrics.csv"), tag)


def interval(numbers: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean over seeds."""
    numbers, random = np.asarray(numbers), np.random.default_rng(0)
    means = random.choice(numbers, (_RESAMPLES, len(numbers))).mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """The difference of two settings' means, and its 95 % percentile bootstrap interval.

    Each setting's seeds are resampled by themselves. They are not paired, since the random numbers of a seed are used
    differently by every setting.

    Returns: (difference, lower end, upper end).
    """
    random = np.random.default_rng(0)
    means = [random.choice(np.asarray(numbers), (_RESAMPLES, len(numbers))).mean(1) for numbers in (one, other)]
    low, high = np.quantile(means[0] - means[1], (0.025, 0.975))
    return float(np.mean(one) - np.mean(other)), float(low), float(high)


def with_interval(numbers: Sequence[float], form: str = ".1f") -> str:
    """The mean with its 95 % bootstrap interval, as text."""
    low, high = interval(numbers)
    return f"{np.mean(numbers):{form}} ({low:{form}} to {high:{form}})"


def write_csv(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes rows, which have the same keys, as a CSV file with a header."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


__all__ = [
    "arguments",
    "column",
    "difference",
    "interval",
    "last_checkpoint",
    "last_returns",
    "runs_of",
    "summary",
    "train_settings",
    "typical",
    "with_interval",
    "write_csv",
]
