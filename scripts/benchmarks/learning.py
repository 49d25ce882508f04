"""The final greedy evaluation and the return in training of several settings, over seeds."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.printing import machine, markdown
from benchmarks.runs import SCRIPTS
from rl.commands.progress import progress
from rl.runs.reader import LAST_RETURN, RecordedRun

_RATIO = "gradient/norm_ratio/value-policy"  # logged where the torso is shared

_SETTINGS = {
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


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "returns over seeds (about half an hour); resumable"
    command = commands.add_parser("learning", help=help_, description=__doc__)
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--jobs", type=int, default=os.cpu_count(), help="parallel runs (default: one a core)")
    command.add_argument("--folder", type=Path, default=Path("runs/benchmark"), help="where the runs are kept")
    command.set_defaults(run=learning)


def learning(arguments: argparse.Namespace) -> None:
    """Trains all settings with all seeds and prints a table; complete runs are reused."""
    rows = []
    arguments.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(name, seed) for name in _SETTINGS for seed in range(arguments.seeds)]

    def run(job: tuple[str, int]) -> None:
        name, seed = job
        place = arguments.folder / f"{list(_SETTINGS).index(name)}" / f"{seed}"
        command = [
            sys.executable,
            str(SCRIPTS / "train.py"),
            *_SETTINGS[name],
            f"seed={seed}",
            f"hydra.run.dir={place}",
        ]
        subprocess.run(command, capture_output=True, check=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(progress(pool.map(run, jobs), "runs", total=len(jobs)))
    for place, name in enumerate(_SETTINGS):
        runs = [RecordedRun(arguments.folder / f"{place}" / f"{seed}") for seed in range(arguments.seeds)]
        greedy = [run.summary["evaluation"]["mean"] for run in runs]
        training = [run.metrics.last_return() for run in runs]
        ratio = [run.metrics.typical(_RATIO) for run in runs if _RATIO in run.metrics.columns]
        rows.append([name, _spread(greedy), _spread(training), f"{np.median(ratio):.3g}" if ratio else "–"])
    print(f"{arguments.seeds} seeds each, mean (lowest to highest). {machine()}\n")
    header = [
        "settings",
        "greedy evaluation",
        LAST_RETURN,
        "value row / policy row",
    ]
    print(markdown(header, rows))


def _spread(numbers: Sequence[float]) -> str:
    """The mean with the range over seeds, in words."""
    return f"{np.mean(numbers):.1f} ({min(numbers):.1f} to {max(numbers):.1f})"
