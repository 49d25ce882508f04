"""Two commits, bit for bit: python scripts/goldens.py OLD NEW [--only PART] [--steps N]

Runs train.py of both commits alternately on this machine with six small configs, and compares the final weights,
metrics.csv without the columns of times, and every Gramian. Bits depend on the machine, so no result is kept between
calls. The exit code is 1 where anything differs.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rl.runtime import AS_GIVEN, prepare

prepare()

import numpy as np
from rich.progress import track
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from rl.commands.answers import positive, report_errors
from rl.errors import require

_COMPILED, _GYMNASIUM = ("environment=compiled/cartpole", "num_envs=8"), ("environment=cartpole", "num_envs=8")
_SEEDS = (*_COMPILED, "seeds=4")
_TDC = ("agent/bootstrap=tdc", "frozen=target_polyak", "agent.value_loss=squared")
CONFIGS = {
    "PPO, compiled, sum": ("agent=ppo", *_COMPILED),
    "PPO, Gymnasium, pcgrad": ("agent=ppo", *_GYMNASIUM, "combiner=pcgrad"),
    "PPO, 4 seeds, tdc": ("agent=ppo", *_SEEDS, *_TDC),
    "A2C, compiled, pcgrad": ("agent=a2c", *_COMPILED, "combiner=pcgrad"),
    "A2C, Gymnasium, tdc": ("agent=a2c", *_GYMNASIUM, *_TDC),
    "A2C, 4 seeds, sum": ("agent=a2c", *_SEEDS),
}
"""{name: overrides of train.py}: each agent in each kind of program, and each way to combine rows."""

_SAME = (
    "probe=all",
    "probe.every_iterations=1",
    "probe.every_steps=1",
    "threads=1",
    "compilation_cache=null",
    "logging.progress=false",
)
_OF_THE_CLOCK = ("time/",)
_NOT_WEIGHTS = ("rules", "frozen", "normalizer", "episodes", "environment", "observation", "iteration", "updates")
_NOT_WEIGHTS += ("seed", "__rows__", "__meta__", "hyperparameters")
_EVERY = {"tensors": 0}


class Difference(NamedTuple):
    """An array that differs, and its largest difference; NaN where it is missing on one side, or its form differs."""

    name: tuple
    largest: float


def main() -> None:
    """Trains every config with both commits, compares the runs and prints a line a config."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="the first commit")
    parser.add_argument("new", help="the second commit")
    parser.add_argument("--only", default="", help="only configs whose names contain this text")
    parser.add_argument("--steps", type=positive, default=8192, help="environment steps of each run (default: 8,192)")
    arguments = parser.parse_args()
    chosen = {name: overrides for name, overrides in CONFIGS.items() if arguments.only in name}
    require(bool(chosen), f"--only {arguments.only!r} is in no config's name: {', '.join(CONFIGS)}.")
    different = False
    with tempfile.TemporaryDirectory() as place:
        commits = zip("ab", (arguments.old, arguments.new), strict=True)
        trees = [_checked_out(commit, Path(place) / side) for side, commit in commits]
        for number, (name, overrides) in enumerate(track(chosen.items(), "configs", disable=not sys.stdout.isatty())):
            folders = [Path(place) / f"{side}_{number}" for side in "ab"]
            for tree, folder in list(zip(trees, folders, strict=True))[:: 1 if number % 2 else -1]:
                _train(tree, folder, (*overrides, *_SAME, f"steps={arguments.steps}"))
            found = compare(*folders)
            different |= any(differing for _, differing in found.values())
            print(f"{name}: " + "; ".join(_words(kind, *of) for kind, of in found.items()), flush=True)
    sys.exit(1 if different else 0)


def compare(old: Path, new: Path) -> dict[str, tuple[int, list[Difference]]]:
    """Compares two folders of runs.

    Returns: {"weights", "metrics" and "Gramians": (number of compared arrays, those that differ)}.
    Raises: ConfigError where the folders do not hold the same runs, or hold nothing to compare.
    """
    runs = [sorted(file.parent.relative_to(folder) for file in folder.rglob("metrics.csv")) for folder in (old, new)]
    require(bool(runs[0]) and runs[0] == runs[1], f"{old} has runs {runs[0]}, and {new} {runs[1]}.")
    readers = {"weights": _weights, "metrics": _metrics, "Gramians": _gramians}
    found = {}
    for kind, read in readers.items():
        arrays = [{(run, name): x for run in runs[0] for name, x in read(folder / run)} for folder in (old, new)]
        require(bool(arrays[0]), f"{old} holds no {kind}.")
        found[kind] = len(arrays[0]), differences(*arrays)
    return found


def differences(old: Mapping[tuple, np.ndarray], new: Mapping[tuple, np.ndarray]) -> list[Difference]:
    """The arrays that are not bit-identical, sorted by name; dtype and shape count, and so does a missing array."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        a, b = old.get(name), new.get(name)
        if a is None or b is None or (a.shape, a.dtype) != (b.shape, b.dtype):
            found.append(Difference(name, float("nan")))
        elif a.tobytes() != b.tobytes():
            found.append(Difference(name, float(np.max(np.abs(a - b)))))
    return found


def _words(kind: str, number: int, found: list[Difference]) -> str:
    """The result for one kind of arrays, in words."""
    if not found:
        return f"{kind} equal ({number})"
    run, name = found[0].name
    return f"{kind} DIFFER ({len(found)} of {number}, as {name} of {run} by {found[0].largest:.2g})"


def _weights(run: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(name, weights) of the newest checkpoint, live weights only."""
    newest = max((run / "checkpoints").glob("checkpoint_*.npz"))
    with np.load(newest) as arrays:
        yield from ((name, arrays[name]) for name in arrays.files if name.split("/")[0] not in _NOT_WEIGHTS)


def _metrics(run: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(tag, column) of metrics.csv without the columns of times; an empty cell is NaN."""
    with (run / "metrics.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    for tag, *column in zip(header, *rows, strict=True):
        if not tag.startswith(_OF_THE_CLOCK):
            yield tag, np.array([float(cell or "nan") for cell in column])


def _gramians(run: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(tag and step, array) of the float64 tensors in the event files."""
    events = EventAccumulator(str(run), _EVERY).Reload()
    for tag in events.Tags()["tensors"]:
        for event in events.Tensors(tag):
            array = tensor_util.make_ndarray(event.tensor_proto)
            if array.dtype == np.float64:
                yield f"{tag} at {event.step}", array


def _checked_out(commit: str, folder: Path) -> Path:
    """Writes a commit's files into a new folder; ConfigError where there is no such commit."""
    root = Path(__file__).resolve().parent.parent
    folder.mkdir()
    archive = subprocess.run(["git", "-C", str(root), "archive", commit], check=False, capture_output=True)
    require(archive.returncode == 0, f"{commit!r} is no commit here: {archive.stderr.decode().strip()}.")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def _train(tree: Path, folder: Path, overrides: tuple[str, ...]) -> None:
    """Runs train.py of a tree with the run directory `folder`/run; ConfigError where it fails."""
    command = [sys.executable, str(tree / "scripts" / "train.py"), *overrides, f"hydra.run.dir={folder / 'run'}"]
    done = subprocess.run(command, check=False, env=_environment(tree), capture_output=True, text=True, cwd=tree)
    require(done.returncode == 0, f"train.py {' '.join(overrides)} of {tree.name} failed:\n{done.stdout}{done.stderr}")


def _environment(tree: Path) -> dict[str, str]:
    """The user's environment, in which the tree's own `rl` goes before an installed one."""
    return {**AS_GIVEN, "PYTHONPATH": os.pathsep.join([str(tree), AS_GIVEN.get("PYTHONPATH", "")])}


if __name__ == "__main__":
    report_errors(main)
