"""The gain of a second thread, and of more where there are cores, by size: the table behind `threads: auto`."""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.printing import machine, markdown, median
from benchmarks.runs import QUIET, rate, train
from rl.commands import threads as rule
from rl.commands.progress import progress


class Size(NamedTuple):
    """One line of the table; `steps` are the environment steps of each seed."""

    num_envs: int
    width: int = 64
    combiner: str = "sum"
    seeds: int = 1
    steps: int = 1_500_000

    @property
    def overrides(self) -> list[str]:
        """The overrides of train.py, without steps and threads."""
        widths = f"network.torso.widths=[{self.width},{self.width}]"
        sizes = [f"num_envs={self.num_envs}", f"seeds={self.seeds}", widths]
        return ["environment=compiled/cartpole", f"combiner={self.combiner}", "probe=none", *sizes]


SIZES = (
    *(Size(num_envs) for num_envs in (8, 16, 32, 64, 128, 512)),
    *(Size(num_envs, combiner="pcgrad", steps=1_000_000) for num_envs in (8, 32, 64, 512)),
    *(Size(num_envs, width=256, steps=200_000) for num_envs in (2, 8, 64)),
    *(Size(num_envs, width=16, steps=2_000_000) for num_envs in (64, 512)),
    *(Size(8, seeds=seeds, steps=1_600_000 // seeds) for seeds in (4, 16)),
)


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("threads", help="the gain of threads by size", description=__doc__)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--scale", type=float, default=1.0, help="factor on the steps of each run (default: 1)")
    command.set_defaults(run=threads)


def threads(arguments: argparse.Namespace) -> None:
    """Measures all sizes on all numbers of threads and prints a table."""
    counts = [count for count in (1, 2, 4, 8) if count <= rule.available_cores()]
    rates: dict[tuple[Size, int], list[float]] = {(size, count): [] for size in SIZES for count in counts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in progress(range(arguments.rounds), "rounds"):
            for size in SIZES:
                for count in counts if number % 2 else counts[::-1]:
                    how = (f"steps={round(size.steps * arguments.scale)}", f"threads={count}")
                    cache = f"compilation_cache={folder / 'cache'}"
                    run = train(folder, *QUIET, *size.overrides, *how, cache).folder
                    rates[size, count].append(rate(run))
    print(f"PPO, compiled CartPole, no probes; medians of {arguments.rounds} alternating rounds. {machine()}\n")
    header = ["environments", "layers", "combiner", "seeds", "samples of a minibatch", "`auto` takes"]
    header += [f"steps/s on {count}" for count in counts] + [f"{count} : 1" for count in counts[1:]]
    print(markdown(header, (_row(size, counts, rates) for size in SIZES)))


def _row(size: Size, counts: list[int], rates: dict) -> list[str]:
    """A size's line: medians over the rounds, and the median ratio to one thread."""
    samples = _samples(size)
    cells = [f"{size.num_envs}", f"{size.width}-{size.width}", f"`{size.combiner}`", f"{size.seeds}"]
    cells += [f"{samples:,}", f"{rule.threads_for(samples, cores=rule.available_cores())}"]
    cells += [median(rates[size, count], ",.0f") for count in counts]
    for count in counts[1:]:
        ratios = (many / one for many, one in zip(rates[size, count], rates[size, 1], strict=True))
        cells.append(f"{median(ratios, '.2f')} ×")
    return cells


def _samples(size: Size) -> int:
    """The samples of a minibatch, over all seeds."""
    import hydra

    from rl.config_files import CONFIGS

    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return rule.samples_of(hydra.compose("train", overrides=size.overrides))
