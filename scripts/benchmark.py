"""Measure: python scripts/benchmark.py speed|probes|learning; --help says what each prints.

Every figure comes from runs of scripts/train.py as a user starts it. Rivals take turns within a round, since machines
are noisy and only ratios of one sitting mean something; figures are medians over the rounds.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from composition import report_errors
from rich.console import Console
from rich.progress import track

SCRIPTS = Path(__file__).resolve().parent
_LAST_SHARE = 0.05  # of the training, over which its own return is averaged


def train(folder: Path, *overrides: str) -> Path:
    """One run in a folder of its own; returns the folder."""
    run = Path(tempfile.mkdtemp(dir=folder))
    log = subprocess.run(
        [sys.executable, str(SCRIPTS / "train.py"), *overrides, f"hydra.run.dir={run}/run"],
        capture_output=True,
        text=True,
        check=False,
    )
    if log.returncode:
        raise RuntimeError(f"train.py {' '.join(overrides)} failed:\n{log.stdout}{log.stderr}")
    return run / "run"


def summary(run: Path) -> dict:
    """A run's summary.json."""
    return json.loads((run / "summary.json").read_text())


def column(run: Path, tag: str) -> np.ndarray:
    """A column of metrics.csv, NaN where it is empty."""
    with (run / "metrics.csv").open() as handle:
        return np.array([float(row[tag]) if row.get(tag) else np.nan for row in csv.DictReader(handle)])


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def speed(arguments: argparse.Namespace) -> None:
    """Steps a second of PPO and A2C on Gymnasium's CartPole-v1 beside Stable-Baselines3's with the same settings."""
    same = ["normalize.rewards=false", "checkpoint.every_steps=10_000_000", "evaluation.every_steps=10_000_000"]
    ours = {
        "ppo": [*same, "num_envs=8", "probe.every_steps=10_240", f"steps={arguments.steps}"],
        "a2c": [
            *same,
            "agent=a2c",
            "optimizer=rmsprop",
            "num_envs=8",
            "probe.every_steps=400",
            f"steps={arguments.steps}",
        ],
    }
    rates: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in track(range(arguments.rounds), "rounds", console=Console(stderr=True)):
            for agent, overrides in ours.items():
                rate = summary(train(Path(folder), *overrides))["steps_per_second"]
                rates.setdefault((agent, "ours"), []).append(rate)
                command = [
                    arguments.peer_python,
                    str(SCRIPTS / "peers" / "sb3_ppo.py"),
                    "--algo",
                    agent,
                    "--num-envs",
                    "8",
                ]
                command += ["--steps", str(arguments.steps // 4)]
                printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rates.setdefault((agent, "sb3"), []).append(json.loads(printed.splitlines()[-1])["steps_per_second"])
    rows = []
    for agent in ours:
        mine, theirs = rates[agent, "ours"], rates[agent, "sb3"]
        ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
        rows.append(
            [agent.upper(), f"{statistics.median(mine):,.0f}", f"{statistics.median(theirs):,.0f}", f"{ratio:.2f} ×"]
        )
    print(
        f"CartPole-v1 (Gymnasium), 8 environments, shared 64-64 torso, rows logged every 10th iteration; "
        f"medians of {arguments.rounds} rounds. {machine()}\n"
    )
    print(markdown(["agent", "steps/s", "Stable-Baselines3", "ratio"], rows))


def probes(arguments: argparse.Namespace) -> None:
    """What every probe at its default interval costs, and that it changes no bit of the weights."""
    rates: dict[str, list[float]] = {"default": [], "none": []}
    identical = True
    with tempfile.TemporaryDirectory() as folder:
        for turn in track(range(arguments.rounds), "rounds", console=Console(stderr=True)):
            order = ["default", "none"] if turn % 2 else ["none", "default"]
            runs = {kind: train(Path(folder), f"probe={kind}", f"steps={arguments.steps}") for kind in order}
            for kind, run in runs.items():
                rates[kind].append(summary(run)["steps_per_second"])
            identical &= _same_weights(*runs.values())
    slower = statistics.median(1 - on / off for on, off in zip(rates["default"], rates["none"], strict=True))
    print(
        f"PPO, CartPole-v1, 8 environments, {arguments.steps:,} steps; "
        f"medians of {arguments.rounds} rounds. {machine()}\n"
    )
    rows = [[kind, f"{statistics.median(numbers):,.0f}"] for kind, numbers in rates.items()]
    print(markdown(["probes", "steps/s"], rows))
    print(
        f"\nSlower with every probe on: {100 * slower:.1f} %. "
        f"Final weights bit-identical: {'yes' if identical else 'NO'}."
    )


def _same_weights(one: Path, other: Path) -> bool:
    files = [max((run / "checkpoints").glob("checkpoint_*.npz")) for run in (one, other)]
    with np.load(files[0]) as a, np.load(files[1]) as b:
        names = [name for name in a.files if name.split("/")[0] in ("torso", "policy", "value")]
        return bool(names) and all(np.array_equal(a[name], b[name]) for name in names)


LEARNING = {
    "PPO CartPole-v1, CleanRL's settings, separate torsos": ["experiment=cleanrl"],
    "the same, shared torso, `sum`": ["experiment=cleanrl", "network.shared=true"],
    "the same, shared torso, `imtl_g`": ["experiment=cleanrl", "network.shared=true", "combiner=imtl_g"],
    "the same, shared torso, `config`": ["experiment=cleanrl", "network.shared=true", "combiner=config"],
    "PPO CartPole-v1, the default": [],
    "PPO Acrobot-v1, CleanRL's settings, separate torsos": ["experiment=cleanrl", "environment=acrobot"],
    "PPO Acrobot-v1, the default": ["environment=acrobot"],
    "PPO Pendulum-v1, `experiment=pendulum`": ["experiment=pendulum"],
    "A2C CartPole-v1, `experiment=a2c_cartpole`": ["experiment=a2c_cartpole"],
}


def learning(arguments: argparse.Namespace) -> None:
    """Final greedy evaluation and the return in training of several settings, over seeds."""
    rows = []
    arguments.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(name, seed) for name in LEARNING for seed in range(arguments.seeds)]

    def run(job: tuple[str, int]) -> None:
        name, seed = job
        place = arguments.folder / f"{list(LEARNING).index(name)}" / f"{seed}"
        command = [sys.executable, str(SCRIPTS / "train.py"), *LEARNING[name], f"seed={seed}", f"hydra.run.dir={place}"]
        subprocess.run(command, capture_output=True, check=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(track(pool.map(run, jobs), "runs", total=len(jobs), console=Console(stderr=True)))
    for place, name in enumerate(LEARNING):
        runs = [arguments.folder / f"{place}" / f"{seed}" for seed in range(arguments.seeds)]
        greedy = [summary(run)["evaluation"]["mean"] for run in runs]
        training = [_last(column(run, "episode/return")) for run in runs]
        ratio = [np.nanmedian(column(run, "gradient/norm_ratio/value-policy")) for run in runs if _shared(run)]
        rows.append([name, _spread(greedy), _spread(training), f"{np.median(ratio):.3g}" if ratio else "–"])
    print(f"{arguments.seeds} seeds each, mean (lowest to highest). {machine()}\n")
    header = [
        "settings",
        "greedy evaluation",
        f"return in the last {_LAST_SHARE:.0%} of training",
        "value row / policy row",
    ]
    print(markdown(header, rows))


def _last(returns: np.ndarray) -> float:
    return float(np.nanmean(returns[-max(1, int(len(returns) * _LAST_SHARE)) :]))


def _shared(run: Path) -> bool:
    with (run / "metrics.csv").open() as handle:
        return "gradient/norm_ratio/value-policy" in next(csv.reader(handle))


def _spread(numbers: Sequence[float]) -> str:
    return f"{np.mean(numbers):.1f} ({min(numbers):.1f} to {max(numbers):.1f})"


def machine() -> str:
    """The machine in words."""
    import tensorflow as tf

    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{cores}, Python {platform.python_version()}, TensorFlow {tf.__version__}."


def main() -> None:
    """Dispatches to the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("speed", help="steps/s beside Stable-Baselines3")
    command.add_argument(
        "--peer-python", required=True, help="a Python that has stable_baselines3 (scripts/peers/README.md)"
    )
    command.add_argument(
        "--steps", type=int, default=400_000, help="environment steps of each of our runs; a peer takes a quarter"
    )
    command.add_argument("--rounds", type=int, default=5)
    command.set_defaults(run=speed)
    command = commands.add_parser("probes", help="what looking costs")
    command.add_argument("--steps", type=int, default=500_000)
    command.add_argument("--rounds", type=int, default=5)
    command.set_defaults(run=probes)
    command = commands.add_parser("learning", help="returns over seeds (about half an hour); resumable")
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time (default: one a core)")
    command.add_argument("--folder", type=Path, default=Path("runs/benchmark"), help="where the runs are kept")
    command.set_defaults(run=learning)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    report_errors(main)
