"""What every probe costs a call, what the default ones cost a run, and that they change no bit of the weights."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.printing import machine, markdown, median
from benchmarks.runs import rate, train
from rl.commands.progress import progress
from rl.runs.reader import RecordedRun


def add(commands) -> None:
    """The command and its options."""
    command = commands.add_parser("probes", help="what looking costs", description=__doc__)
    command.add_argument("--steps", type=int, default=500_000)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--calls", type=int, default=50, help="of every probe, timed one by one (default: 50)")
    command.add_argument("--each-only", action="store_true", help="leave out the runs")
    command.set_defaults(run=probes)


def probes(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
    _each(arguments.calls)
    if not arguments.each_only:
        _runs(arguments)


def _each(calls: int) -> None:
    """Every probe in a program of its own beside a program of none, which replays the rollout's first minibatch."""
    import hydra
    import tensorflow as tf

    from rl.commands.composition import build
    from rl.commands.run_names import register_resolvers
    from rl.config_files import CONFIGS
    from rl.gradients.probes import PROBES
    from rl.instruments.probing import Prober
    from rl.learning.collecting import collect
    from rl.learning.state import read

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        experiment = build(hydra.compose("train", overrides=["environment=compiled/cartpole"]))
    learner, state = experiment.learner, read(experiment.variables)
    run = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))

    def program(names: list[str]):
        prober = Prober(learner, [PROBES[name] for name in names], num_samples=experiment.prober.num_samples)
        # The rows keep a program without probes from being empty: every probe needs them.
        compiled = tf.function(lambda *run: tuple(prober(*run)), jit_compile=True, autograph=False)
        began = time.perf_counter()
        compiled(*run)
        return compiled, time.perf_counter() - began

    programs = {name: program([name] if name else []) for name in progress(["", *PROBES], "compiling")}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in progress(range(calls), "calls"):
        for name, (compiled, _) in programs.items():
            began = time.perf_counter()
            rows = compiled(*run)
            _ = [x.numpy() for x in tf.nest.flatten(rows)]
            times[name].append(time.perf_counter() - began)
    typical = {name: 1e3 * statistics.median(of_one) for name, of_one in times.items()}
    print(
        f"Each probe alone, PPO's first minibatch, 64-64 torso, {experiment.prober.num_samples} samples with rows of "
    )
    print(f"their own; medians of {calls} calls in turns, one thread. {machine()}\n")
    lines = [["(the rows alone)", f"{typical['']:.2f}", "", f"{programs[''][1]:.1f}"]]
    for name in PROBES:
        more = typical[name] - typical[""]
        lines.append([f"`{name}`", f"{typical[name]:.2f}", f"{more:+.2f}", f"{programs[name][1]:.1f}"])
    print(markdown(["probe", "ms a call", "beside the rows", "seconds to compile"], lines), "\n")


def _runs(arguments: argparse.Namespace) -> None:
    """Runs with the default probes and with none, in turns."""
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
    """Whether the newest checkpoints of two runs hold the same weights, bit for bit."""
    a, b = (RecordedRun(run).newest_arrays() for run in (one, other))
    names = [name for name in a if name.split("/")[0] in ("torso", "policy", "value")]
    return bool(names) and all(np.array_equal(a[name], b[name]) for name in names)
