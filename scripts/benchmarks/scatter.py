"""One setting again and again beside the JAX program, on one thread and on two, and what else the machine did then.

Where the ratio swings from round to round, this says what swings: ours or the peer's, on how many threads, and whether
other processes had a share of the cores. A parallel operation waits for its slowest thread, so that two threads on two
cores lose more to a neighbour than one does.
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
    """Of one run: steps/s, CPU seconds a second of its time, and the cores that others took meanwhile."""

    rate: float
    busy: float
    others: float


def add(commands) -> None:
    """The command and its options."""
    command = commands.add_parser("scatter", help="how a setting's figures scatter, and with what", description=__doc__)
    command.add_argument("--peer-python", required=True, help="a Python that has gymnax (scripts/peers/README.md)")
    command.add_argument("--setting", default="`pcgrad`, 64", help="part of its name in the command `compiled`")
    command.add_argument("--rounds", type=int, default=10)
    command.add_argument("--scale", type=float, default=1.0, help="factor on the steps of each run (default: 1)")
    command.set_defaults(run=scatter)


def scatter(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
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
    print(f"{setting.name}, {int(steps):,} steps a run, {arguments.rounds} rounds in turns. {machine()}\n")
    header = ["", "threads", "steps/s: median", "lowest", "highest", "cores it kept busy", "cores that others took"]
    print(markdown(header, [_row(who, threads, of) for (who, threads), of in samples.items()]))
    print()
    rounds = range(arguments.rounds)
    header = ["round", *(f"{who}, {threads}" for who, threads in samples), "ratio on 1", "ratio on 2", "others, most"]
    print(markdown(header, [_round(number, samples) for number in rounds]))


def _sample(run: Callable[[], float]) -> Sample:
    began, busy, own = time.perf_counter(), _busy_seconds(), _children_seconds()
    steps_per_second = run()
    seconds = time.perf_counter() - began
    own = _children_seconds() - own
    return Sample(steps_per_second, own / seconds, (_busy_seconds() - busy - own) / seconds)


def _busy_seconds() -> float:
    """Of all cores together since the machine started, what a hypervisor gave to others included."""
    with Path("/proc/stat").open() as handle:
        user, nice, system, _, _, *rest = map(int, handle.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(who: str, threads: int, samples: list[Sample]) -> list[str]:
    rates = [sample.rate for sample in samples]
    shares = [median((getattr(sample, name) for sample in samples), ".2f") for name in ("busy", "others")]
    return [who, f"{threads}", median(rates, ",.0f"), f"{min(rates):,.0f}", f"{max(rates):,.0f}", *shares]


def _round(number: int, samples: dict[tuple[str, int], list[Sample]]) -> list[str]:
    here = {key: of[number] for key, of in samples.items()}
    ratios = [f"{here['ours', n].rate / here['JAX', n].rate:.2f}" for n in _THREADS]
    most = max(sample.others for sample in here.values())
    return [f"{number + 1}", *(f"{sample.rate:,.0f}" for sample in here.values()), *ratios, f"{most:.2f}"]
