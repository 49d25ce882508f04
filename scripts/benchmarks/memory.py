"""The time of an iteration by the capacity of the agent's memory: acting alone, and acting with learning.

Nothing copies the memory, so that neither grows with it, in a program and in a graph around Gymnasium's environments
alike. SAC on one environment, 250 steps an iteration, programs of all capacities in turns in one process.
"""

import argparse
import itertools
import time
from collections.abc import Callable

from benchmarks.printing import machine, markdown, spread
from rl.commands.progress import progress

_TICKS = 250  # steps of an iteration
_CALLS = 8  # iterations of a timed call that only acts


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("memory", help="an iteration's time by replay.capacity", description=__doc__)
    command.add_argument("--capacities", type=int, nargs="+", default=[10**power for power in (3, 4, 5, 6)])
    command.add_argument("--environments", nargs="+", default=["compiled/pendulum", "pendulum"])
    command.add_argument("--rounds", type=int, default=7)
    command.add_argument("overrides", nargs="*", help="overrides of train.py")
    command.set_defaults(run=memory)


def memory(arguments: argparse.Namespace) -> None:
    """Measures all programs in alternating rounds and prints a table."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    keys = list(itertools.product(arguments.environments, arguments.capacities, (False, True)))
    programs = {key: _program(*key, arguments.overrides) for key in progress(keys, "compiling")}
    times: dict[tuple, list[float]] = {key: [] for key in keys}
    for number in progress(range(arguments.rounds), "rounds"):
        for key in keys[:: -1 if number % 2 else 1]:
            times[key].append(programs[key]())
    lines = [
        [
            environment,
            f"{capacity:,}",
            *(spread(times[environment, capacity, learns], ",.1f") for learns in (False, True)),
        ]
        for environment, capacity in itertools.product(arguments.environments, arguments.capacities)
    ]
    print(f"One thread; medians of {arguments.rounds} alternating rounds with the range. {machine()}\n")
    header = ["environment", "`replay.capacity`", "µs a step, acting alone", "µs a step with an update"]
    print(markdown(header, lines))


def _program(environment: str, capacity: int, learns: bool, overrides: list[str]) -> Callable[[], float]:
    """Runs iterations, and returns the microseconds of a step."""
    import hydra

    from rl.commands.composition import build
    from rl.config_files import CONFIGS

    sizes = ("num_envs=1", f"agent.ticks={_TICKS}", f"replay.capacity={capacity}", "steps=1_000_000_000")
    warmup = "agent.warmup_steps=1" if learns else "agent.warmup_steps=900_000_000"
    own = ("agent=sac", f"environment={environment}", *sizes, warmup, "probe=none", *overrides)
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        experiment = build(hydra.compose("train", overrides=list(own)))
    programs, iterations = experiment.programs(probe_every=10**6), 1 if learns else _CALLS
    programs.iterate(1)  # acts in any case
    programs.iterate(1)

    def timed() -> float:
        began = time.perf_counter()
        programs.iterate(iterations)
        return 1e6 * (time.perf_counter() - began) / (iterations * _TICKS)

    return timed
