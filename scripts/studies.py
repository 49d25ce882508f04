"""What the studies in experiments/ share: training every setting with many seeds, and reading what the runs left."""

import argparse
import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import hydra
import numpy as np
from benchmarks.runs import SCRIPTS

from rl.commands.progress import progress
from rl.commands.restoring import load_config
from rl.commands.run_names import what_tells_apart
from rl.config_files import CONFIGS
from rl.runs.reader import RecordedRun

_RESAMPLES = 10_000


def arguments(description: str, environments: Sequence[str]) -> argparse.Namespace:
    """Of a study's command line: `folder`, and `only`, the environments that it is about this time."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/studies"), help="where the runs are kept")
    parser.add_argument("--only", nargs="*", choices=environments, default=environments, help="environments (all)")
    return parser.parse_args()


def train_settings(settings: Mapping[str, Sequence[str]], folder: Path, *, seeds: int) -> None:
    """Every setting with seeds 0, 1, … in one program, into <folder>/<setting>/seed=<seed>.

    What is complete is skipped and what was interrupted goes on, so that the same command finishes a study that was
    stopped.
    """
    for name in progress(list(settings), "settings"):
        overrides = [*settings[name], f"seeds={seeds}", "logging.progress=false"]
        if not _trained(runs_of(folder, name, seeds=seeds), overrides):
            place = f"hydra.run.dir='{folder / name}/seed=0'"
            command = [sys.executable, str(SCRIPTS / "train.py"), *overrides, place]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _trained(runs: Sequence[RecordedRun], overrides: Sequence[str]) -> bool:
    """Whether all are complete runs with these overrides; in every other case train.py decides what to do."""
    if not all(run.is_completed for run in runs):
        return False
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        asked = what_tells_apart(hydra.compose("train", overrides=list(overrides)))
    return all(what_tells_apart(load_config(run.path)) == asked for run in runs)


def runs_of(folder: Path, name: str, *, seeds: int) -> list[RecordedRun]:
    """The runs of a setting, by seed."""
    return [RecordedRun(folder / name / f"seed={seed}") for seed in range(seeds)]


def interval(numbers: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean over seeds."""
    numbers, random = np.asarray(numbers), np.random.default_rng(0)
    means = random.choice(numbers, (_RESAMPLES, len(numbers))).mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """The difference of two settings' means and its 95 % percentile bootstrap interval, each setting's seeds resampled.

    The seeds are not paired: what a seed draws is used up differently by every setting.
    """
    random = np.random.default_rng(0)
    means = [random.choice(np.asarray(numbers), (_RESAMPLES, len(numbers))).mean(1) for numbers in (one, other)]
    low, high = np.quantile(means[0] - means[1], (0.025, 0.975))
    return float(np.mean(one) - np.mean(other)), float(low), float(high)


def with_interval(numbers: Sequence[float], form: str = ".1f") -> str:
    """The mean and its 95 % bootstrap interval, in words."""
    low, high = interval(numbers)
    return f"{np.mean(numbers):{form}} ({low:{form}} to {high:{form}})"


def write_csv(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same keys as a file with a header."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def add_to_csv(file: Path, rows: Sequence[Mapping[str, object]], *, by: str) -> list[dict[str, object]]:
    """Rows as in `write_csv`, after the lines of the file whose `by` is none of theirs.

    A study can then be trained in parts, on several machines.

    Returns: all rows; those of the file with numbers where their text is one.
    """
    given = {str(row[by]) for row in rows}
    with file.open(newline="") if file.exists() else nullcontext(()) as lines:
        kept = [line for line in csv.DictReader(lines) if line[by] not in given]
    together = [*({name: _number(text) for name, text in line.items()} for line in kept), *rows]
    write_csv(file, together)
    return together


def _number(text: str) -> float | str:
    """The number that a text is, or the text."""
    try:
        return float(text)
    except ValueError:
        return text
