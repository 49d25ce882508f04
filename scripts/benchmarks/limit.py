"""The share of an iteration of PPO on the compiled CartPole that its matrix products take: a bound for any program."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.printing import machine, markdown, median
from benchmarks.products import IterationShape, products_program
from benchmarks.repeating import seconds_a_step
from benchmarks.runs import QUIET, rate, train
from rl.commands.progress import progress

_OURS = (*QUIET, "environment=compiled/cartpole", "agent.value_loss=clipped", "normalize.rewards=false", "probe=none")
_STEPS = {8: 1_000_000, 64: 1_500_000, 512: 2_000_000}


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "the share of an iteration that its matrix products take"
    command = commands.add_parser("limit", help=help_, description=__doc__)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--threads", type=int, default=2, help="CPU threads (default: 2)")
    command.add_argument("--scale", type=float, default=1.0, help="factor on the steps of each run (default: 1)")
    command.set_defaults(run=limit)


def limit(arguments: argparse.Namespace) -> None:
    """Measures the products and whole runs in alternation and prints a table."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    shapes = {num_envs: IterationShape(num_envs) for num_envs in _STEPS}
    programs = {num_envs: products_program(shape) for num_envs, shape in shapes.items()}
    products, whole = {n: [] for n in _STEPS}, {n: [] for n in _STEPS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in progress(range(arguments.rounds), "rounds"):
            for n, steps in _STEPS.items():
                products[n].append(seconds_a_step(programs[n]))
                scale = (f"num_envs={n}", f"steps={round(steps * arguments.scale)}", f"threads={arguments.threads}")
                run = train(Path(folder), *_OURS, *scale).folder
                whole[n].append(shapes[n].batch / rate(run))
    print(
        f"PPO, CartPole, shared 64-64 torso, no probes, {arguments.threads} threads; "
        f"medians of {arguments.rounds} rounds. {machine()}\n"
    )
    rows = []
    for n in _STEPS:
        share = [a / b for a, b in zip(products[n], whole[n], strict=True)]
        milliseconds = [median((1000 * x for x in numbers), ".3g") for numbers in (products[n], whole[n])]
        rows.append([n, *milliseconds, median(share, ".0%")])
    print(markdown(["environments", "matrix products, ms an iteration", "the iteration, ms", "share"], rows))
