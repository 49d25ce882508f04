"""One setting repeatedly beside the JAX program, on one thread and on two, with the load of the machine in each run.

Where the ratio varies from round to round, the table shows which rate varies, on how many threads, and whether other
processes used the cores. A parallel operation waits for its slowest thread, so that two threads on two cores lose more
to other processes than one thread does.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.compiled import SETTINGS
from benchmarks.peers import peer_rate
from benchmarks.printing import machine, markdown, median
from benchmarks.runs import rate, train
from rl.commands.progress import progress

_THREADS = (1, 2)


class Sample(NamedTuple):
    """One run: steps/s, the mean number of cores that it kept busy, and the mean number that other processes took."""

    rate: float
    busy: float
    others: float


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("scatter", help="how a setting's figures vary between rounds", description=__doc__)
    command.add_argument("--peer-python", required=True, help="a Python that has gymnax (scripts/peers/README.md)")
    command.add_argument("--setting", default="`pcgrad`, 64", help="part of a name in the command `compiled`")
    command.add_argument("--rounds", type=int, default=10)
    command.add_argument("--scale", type=float, default=1.0, help="factor on the steps of each run (default: 1)")
    command.set_defaults(run=scatter)


def scatter(arguments: argparse.Namespace) -> None:
    """Measures both programs in alternation and prints a summary and all rounds."""
    setting = next(setting for setting in SETTINGS if arguments.setting in setting.name)
    steps = str(round(setting.steps * arguments.scale))
    samples: dict[tuple[str, int], list[Sample]] = {(who, n): [] for n in _THREADS for who in ("ours", "JAX")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def ours(threads: int) -> float:
            how = (f"steps={steps}", f"threads={threads}", f"compilation_cache={folder / 'cache'}")
            return rate(train(folder, *setting.overrides(), *how).folder)

        def peer(threads: int) -> float:
            options = (*setting.options(), "--steps", steps, "--threads", str(threads))
            return peer_rate(arguments.peer_python, "jax_ppo.py", *options)

        run = {"ours": ours, "JAX": peer}
        for number in progress(range(arguments.rounds), "rounds"):
            for who, threads in list(samples)[:: 1 if number % 2 else -1]:
                samples[who, threads].append(_sample(lambda who=who, threads=threads: run[who](threads)))
    print(f"{setting.name}, {int(steps):,} steps a run, {arguments.rounds} alternating rounds. {machine()}\n")
    header = ["", "threads", "steps/s: median", "lowest", "highest", "cores it kept busy", "cores that others took"]
    print(markdown(header, [_row(who, threads, of) for (who, threads), of in samples.items()]))
    print()
    rounds = range(arguments.rounds)
    header = ["round", *(f"{who}, {threads}" for who, threads in samples), "ratio on 1", "ratio on 2", "others, most"]
    print(markdown(header, [_round(number, samples) for number in rounds]))


def _sample(run: Callable[[], float]) -> Sample:
    """Runs a program that returns its steps/s, and measures the load of the machine meanwhile."""
    began, busy, own = time.perf_counter(), _busy_seconds(), _children_seconds()
    steps_per_second = run()
    seconds = time.perf_counter() - began
    own = _children_seconds() - own
    return Sample(steps_per_second, own / seconds, (_busy_seconds() - busy - own) / seconds)


def _busy_seconds() -> float:
    """Busy seconds of all cores since the machine started; time that a hypervisor gave to others counts as busy."""
    with Path("/proc/stat").open() as handle:
        user, nice, system, _, _, *rest = map(int, handle.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _children_seconds() -> float:
    """CPU seconds of this process's finished children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(who: str, threads: int, samples: list[Sample]) -> list[str]:
    """A program's line of the summary: median and range over the rounds."""
    rates = [sample.rate for sample in samples]
    shares = [median((getattr(sample, name) for sample in samples), ".2f") for name in ("busy", "others")]
    return [who, f"{threads}", median(rates, ",.0f"), f"{min(rates):,.0f}", f"{max(rates):,.0f}", *shares]


def _round(number: int, samples: dict[tuple[str, int], list[Sample]]) -> list[str]:
    """A round's line: all rates, the ratios, and the largest share of other processes."""
    here = {key: of[number] for key, of in samples.items()}
    ratios = [f"{here['ours', n].rate / here['JAX', n].rate:.2f}" for n in _THREADS]
    most = max(sample.others for sample in here.values())
    return [f"{number + 1}", *(f"{sample.rate:,.0f}" for sample in here.values()), *ratios, f"{most:.2f}"]
