"""Every combiner where a shared torso fails under `sum`, and with the default settings: returns beside the rows.

The plain settings are CleanRL's with 8 environments, a plain value loss and one torso for both heads. All seeds of a
setting are one program on the compiled CartPole. The share of the applied step is c g·Δw over the
sum of the objectives' sizes, negative where the step lowers the loss.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.printing import machine, markdown, progress
from benchmarks.runs import SCRIPTS, column, combiner_names, summary

_ENVIRONMENT = ("environment=compiled/cartpole", "threads=2", "logging.progress=false")
_PLAIN = ("experiment=cleanrl", "network.shared=true", "num_envs=8", "agent.value_loss=squared")
_LAST_SHARE = 0.05  # of the training, over which its own return is averaged
_RESAMPLES = 10_000


def add(commands) -> None:
    """The command and its options."""
    help_ = "every combiner where a shared torso fails (about half an hour); resumable"
    command = commands.add_parser("shared", help=help_, description=__doc__)
    command.add_argument("--seeds", type=int, default=20, help="of the plain settings (default: 20)")
    command.add_argument("--default-seeds", type=int, default=5, help="of the default settings (default: 5)")
    command.add_argument("--steps", type=int, default=500_000, help="of each seed (default: 500,000)")
    command.add_argument("--only", nargs="*", default=combiner_names(), help="combiners (default: all)")
    command.add_argument("--folder", type=Path, default=Path("runs/shared_torso"), help="where the runs are kept")
    command.set_defaults(run=shared)


def shared(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
    kinds = {"plain": (_PLAIN, arguments.seeds), "default": ((), arguments.default_seeds)}
    for kind, combiner in progress([(kind, name) for kind in kinds for name in arguments.only], "settings"):
        settings, seeds = kinds[kind]
        chosen = (f"combiner={combiner}", f"seeds={seeds}", f"steps={arguments.steps}")
        folder = f"hydra.run.dir='{arguments.folder / kind / combiner}/seed=0'"
        command = [sys.executable, str(SCRIPTS / "train.py"), *_ENVIRONMENT, *settings, *chosen, folder]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    for kind, (settings, seeds) in kinds.items():
        rows = [
            _row(combiner, [arguments.folder / kind / combiner / f"seed={seed}" for seed in range(seeds)])
            for combiner in arguments.only
        ]
        print(f"\n{kind}: {' '.join(settings) or 'no overrides'}, compiled CartPole, {arguments.steps:,} steps, ")
        print(f"{seeds} seeds; means with 95 % bootstrap intervals. {machine()}\n")
        header = [
            "combiner",
            f"return in the last {_LAST_SHARE:.0%} of training",
            "greedy evaluation",
            "worst seed",
            "value row / policy row",
            "cosine",
            "step's share for policy",
            "for value",
        ]
        print(markdown(header, rows))


def interval(numbers: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean over seeds."""
    numbers, random = np.asarray(numbers), np.random.default_rng(0)
    means = random.choice(numbers, (_RESAMPLES, len(numbers))).mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _row(combiner: str, runs: Sequence[Path]) -> list[str]:
    """Returns of the runs, and medians over training, then over seeds, of what the rows say."""
    training, greedy = [_last(run) for run in runs], [summary(run)["evaluation"]["mean"] for run in runs]

    def typical(tag: str, form: str) -> str:
        return format(np.median([np.nanmedian(column(run, tag)) for run in runs]), form)

    return [
        f"`{combiner}`",
        _with_interval(training),
        _with_interval(greedy),
        f"{min(greedy):.1f}",
        typical("gradient/norm_ratio/value-policy", ".3g"),
        typical("gradient/cosine/policy-value", "+.3f"),
        typical("update/share/policy", "+.3f"),
        typical("update/share/value", "+.3f"),
    ]


def _last(run: Path) -> float:
    returns = column(run, "episode/return")
    return float(np.nanmean(returns[-max(1, int(len(returns) * _LAST_SHARE)) :]))


def _with_interval(numbers: Sequence[float]) -> str:
    low, high = interval(numbers)
    return f"{np.mean(numbers):.1f} ({low:.1f} to {high:.1f})"
