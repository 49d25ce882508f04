"""What every probe at its default interval costs, and that it changes no bit of the weights."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.printing import machine, markdown, median, progress
from benchmarks.runs import rate, train


def add(commands) -> None:
    """The command and its options."""
    command = commands.add_parser("probes", help="what looking costs", description=__doc__)
    command.add_argument("--steps", type=int, default=500_000)
    command.add_argument("--rounds", type=int, default=5)
    command.set_defaults(run=probes)


def probes(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
    rates: dict[str, list[float]] = {"default": [], "none": []}
    identical = True
    with tempfile.TemporaryDirectory() as folder:
        for turn in progress(range(arguments.rounds), "rounds"):
            order = ["default", "none"] if turn % 2 else ["none", "default"]
            runs = {kind: train(Path(folder), f"probe={kind}", f"steps={arguments.steps}").folder for kind in order}
            for kind, run in runs.items():
                rates[kind].append(rate(run))
            identical &= _same_weights(*runs.values())
    slower = [1 - on / off for on, off in zip(rates["default"], rates["none"], strict=True)]
    print(
        f"PPO, CartPole-v1, 8 environments, {arguments.steps:,} steps; "
        f"medians of {arguments.rounds} rounds. {machine()}\n"
    )
    print(markdown(["probes", "steps/s"], [[kind, median(numbers, ",.0f")] for kind, numbers in rates.items()]))
    print(
        f"\nSlower with every probe on: {median(slower, '.1%')}. "
        f"Final weights bit-identical: {'yes' if identical else 'NO'}."
    )


def _same_weights(one: Path, other: Path) -> bool:
    files = [max((run / "checkpoints").glob("checkpoint_*.npz")) for run in (one, other)]
    with np.load(files[0]) as a, np.load(files[1]) as b:
        names = [name for name in a.files if name.split("/")[0] in ("torso", "policy", "value")]
        return bool(names) and all(np.array_equal(a[name], b[name]) for name in names)
