"""Many seeds in one command beside one command a seed: whole processes, start and compilation included."""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.printing import machine, markdown
from benchmarks.runs import QUIET, runs_below, train
from rl.commands.progress import progress


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("seeds", help="many seeds in one program, or a command a seed", description=__doc__)
    command.add_argument("--seeds", type=int, default=32)
    command.add_argument("--steps", type=int, default=500_000, help="environment steps of each seed (default: 500,000)")
    command.set_defaults(run=seeds)


def seeds(arguments: argparse.Namespace) -> None:
    """Measures both ways and prints a table."""
    settings = (*QUIET, "environment=compiled/cartpole", f"steps={arguments.steps}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        together = train(folder, *settings, f"seeds={arguments.seeds}", "threads=2").folder
        at_once = time.perf_counter() - began
        began = time.perf_counter()
        for seed in progress(range(arguments.seeds), "one by one"):
            train(folder, *settings, f"seed={seed}")
        one_by_one = time.perf_counter() - began
        returns = [run.summary["evaluation"]["mean"] for run in runs_below(together)]
    print(
        f"PPO, compiled CartPole, 8 environments, {arguments.seeds} seeds of {arguments.steps:,} steps. {machine()}\n"
    )
    rows = [["one program, 2 threads", f"{at_once:.0f}"], [f"{arguments.seeds} commands", f"{one_by_one:.0f}"]]
    print(markdown(["", "seconds"], rows))
    print(f"\n{one_by_one / at_once:.1f} × faster. Greedy return, worst seed: {min(returns):.1f}.")
