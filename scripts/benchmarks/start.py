"""The time from the command to the end of the first iteration: without, with an empty and with a filled cache."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.printing import machine, markdown, median, spread
from benchmarks.runs import QUIET, rate, train
from rl.commands.progress import progress

_DEFAULT = ("environment=compiled/cartpole",)


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "seconds to the end of the first iteration, the first time and the second"
    command = commands.add_parser("start", help=help_, description=__doc__)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--steps", type=int, default=500_000, help="environment steps of each run (default: 500,000)")
    command.add_argument("overrides", nargs="*", help="overrides of train.py (default: environment=compiled/cartpole)")
    command.set_defaults(run=start)


def start(arguments: argparse.Namespace) -> None:
    """Measures starts without a cache, with an empty one and with a filled one, and prints a table."""
    overrides = arguments.overrides or list(_DEFAULT)
    kinds = ("no cache", "the first time", "the second time")
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in progress(range(arguments.rounds), "rounds"):
            for kind in kinds:
                cache = "null" if kind == "no cache" else folder / f"cache_{number}"
                how = (f"steps={arguments.steps}", f"compilation_cache={cache}")
                run = train(folder, *QUIET, *overrides, *how)
                seconds[kind].append(run.seconds_to_start)
                rates[kind].append(rate(run.folder))
    print(f"{' '.join(overrides)}; medians of {arguments.rounds} rounds, with the range. {machine()}\n")
    rows = []
    for kind in kinds:
        ratios = (own / first for own, first in zip(seconds[kind], seconds["the first time"], strict=True))
        rows.append([kind, spread(seconds[kind], ".1f"), median(ratios, ".2f"), median(rates[kind], ",.0f")])
    print(markdown(["", "seconds to the first iteration's end", "of the first time", "steps/s"], rows))
