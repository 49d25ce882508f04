"""What every combiner costs beside PCGrad: steps per second of PPO on the compiled CartPole, one run a round each."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.printing import machine, markdown, median, progress
from benchmarks.runs import QUIET, SCRIPTS, rate, train

_OURS = (*QUIET, "environment=compiled/cartpole")
_BESIDE = "pcgrad"


def add(commands) -> None:
    """The command and its options."""
    command = commands.add_parser("combiners", help="what every combiner costs beside PCGrad", description=__doc__)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--num-envs", type=int, default=64, help="environments (default: 64)")
    command.add_argument("--threads", type=int, default=2, help="CPU threads (default: 2)")
    command.add_argument("--steps", type=int, default=1_500_000)
    command.set_defaults(run=combiners)


def combiners(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
    folder_of_choices = SCRIPTS.parent / "configs" / "combiner"
    names = sorted(file.stem for file in folder_of_choices.glob("*.yaml") if not file.stem.startswith("_"))
    settings = [f"{key}={getattr(arguments, key)}" for key in ("num_envs", "threads", "steps")]
    rates: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.rounds):
            for name in progress(names if turn % 2 else names[::-1], f"round {turn + 1}"):
                rates[name].append(rate(train(Path(folder), *_OURS, *settings, f"combiner={name}").folder))
    print(
        f"PPO, compiled CartPole, {arguments.num_envs} environments, probes at their defaults, {arguments.threads} "
        f"threads; medians of {arguments.rounds} rounds. {machine()}\n"
    )
    rows = []
    for name in names:
        ratios = (own / beside for own, beside in zip(rates[name], rates[_BESIDE], strict=True))
        rows.append([f"`{name}`", median(rates[name], ",.0f"), f"{median(ratios, '.2f')} ×"])
    print(markdown(["combiner", "steps/s", f"beside `{_BESIDE}`"], rows))
