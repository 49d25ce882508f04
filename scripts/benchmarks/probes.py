"""The cost of every probe for a call and of the default probes for a run; checks that no bit of the weights changes."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.printing import machine, markdown, median
from benchmarks.runs import rate, train
from rl.commands.progress import progress


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("probes", help="what probes cost", description=__doc__)
    command.add_argument("--steps", type=int, default=500_000)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--calls", type=int, default=50, help="timed calls of every probe (default: 50)")
    command.add_argument("--each-only", action="store_true", help="time the probes alone, without runs")
    command.set_defaults(run=probes)


def probes(arguments: argparse.Namespace) -> None:
    """Measures and prints both tables."""
    _each(arguments.calls)
    if not arguments.each_only:
        _runs(arguments)


def _each(calls: int) -> None:
    """Times every probe as a program of its own, beside a program without probes, on the rollout's first minibatch."""
    import hydra
    import tensorflow as tf

    from rl.commands.composition import CONFIGS, build
    from rl.commands.run_names import register_resolvers
    from rl.gradients.probes import PROBES, probes_named
    from rl.instruments.probing import Prober
    from rl.learning.state import read

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        experiment = build(hydra.compose("train", overrides=["environment=compiled/cartpole"]))
    learner, state = experiment.learner, read(experiment.variables)
    run = learner.collect(state, learner.rollout_noise(state.seed, state.iteration))

    def program(names: list[str]):
        prober = Prober(learner, probes_named(names), num_samples=experiment.probe_samples)
        # A program without probes returns the rows, which every probe needs, so that it is not empty.
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
    typical = {name: 1e3 * statistics.median(seconds) for name, seconds in times.items()}
    print(
        f"Each probe alone, PPO's first minibatch, 64-64 torso, {experiment.probe_samples} samples with rows of their "
    )
    print(f"own; medians of {calls} alternating calls, one thread. {machine()}\n")
    lines = [["(the rows alone)", f"{typical['']:.2f}", "", f"{programs[''][1]:.1f}"]]
    for name in PROBES:
        more = typical[name] - typical[""]
        lines.append([f"`{name}`", f"{typical[name]:.2f}", f"{more:+.2f}", f"{programs[name][1]:.1f}"])
    print(markdown(["probe", "ms a call", "beside the rows", "seconds to compile"], lines), "\n")


def _runs(arguments: argparse.Namespace) -> None:
    """Times runs with the default probes and without probes in alternation, and compares their final weights."""
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
    files = [max((run / "checkpoints").glob("checkpoint_*.npz")) for run in (one, other)]
    with np.load(files[0]) as a, np.load(files[1]) as b:
        names = [name for name in a.files if name.split("/")[0] in ("torso", "policy", "value")]
        return bool(names) and all(np.array_equal(a[name], b[name]) for name in names)
