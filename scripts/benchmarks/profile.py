"""Where the time of an iteration goes, on a compiled environment: its parts, and the operations that take longest.

Each part is a program of its own, a loop of `_TURNS` turns: the random numbers of a rollout, the rollout with them, the
learning from one trajectory, and the whole iteration. The operations are XLA's, as TensorFlow's profiler measures them
in the whole program. The profiler adds some 0.3 µs to every operation, so that small ones look longer than they are.
"""

import argparse
import collections
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.printing import machine, markdown, median

_TURNS, _REPEATS, _PROFILED = 200, 9, 10
_LOOP = re.compile(r"while").match  # contains operations that are listed themselves


class Operation(NamedTuple):
    """An operation of the compiled program, with its microseconds and calls per iteration."""

    name: str
    microseconds: float
    calls: float


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "where an iteration's time goes: its parts, its operations"
    command = commands.add_parser("profile", help=help_, description=__doc__)
    command.add_argument("overrides", nargs="*", help="overrides of train.py, such as num_envs=64 combiner=pcgrad")
    command.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    command.add_argument("--top", type=int, default=25, help="number of operations to list (default: 25)")
    command.set_defaults(run=profile)


def profile(arguments: argparse.Namespace) -> None:
    """Measures and prints both tables."""
    import hydra
    import tensorflow as tf

    from rl.commands.composition import build
    from rl.commands.run_names import register_resolvers
    from rl.config_files import CONFIGS

    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    register_resolvers()
    overrides = ["environment=compiled/cartpole", "probe=none", *arguments.overrides]
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        experiment = build(hydra.compose("train", overrides=overrides))
    print(f"PPO, {' '.join(overrides)}, {arguments.threads} threads. {machine()}\n")
    rows = [[name, median(numbers, ".3f")] for name, numbers in _parts(experiment).items()]
    print(markdown(["part", f"ms, median of {_REPEATS}"], rows))
    operations = _operations(experiment)
    total = sum(operation.calls for operation in operations)
    print(f"\n{total:,.0f} operations an iteration; those that take longest, under the profiler:\n")
    longest = operations[: arguments.top]
    cells = [[o.name, f"{o.calls:.0f}", f"{o.microseconds / o.calls:.2f}", f"{o.microseconds:.0f}"] for o in longest]
    print(markdown(["operation", "calls", "µs a call", "µs"], cells))


def _parts(experiment) -> dict[str, list[float]]:
    """{part: milliseconds of a turn, one number a repeat}."""
    import tensorflow as tf

    from rl.learning.collecting import collect
    from rl.learning.learn import learn
    from rl.learning.state import read

    learner = experiment.learner
    state = read(experiment.variables)

    def rollout(state):
        return collect(learner, state, learner.rollout_noise(state.seed, state.iteration))

    def numbers(turn, state, used):
        chance = learner.rollout_noise(state.seed, state.iteration)
        later = state._replace(iteration=state.iteration + 1)
        return turn + 1, later, used + tf.add_n([tf.reduce_sum(x) for x in chance])

    def acting(turn, state, used):
        after, trajectory = rollout(state)
        # Everything recorded enters a sum; XLA would optimise away what nobody reads.
        used += tf.add_n([tf.reduce_sum(tf.cast(x, tf.float32)) for x in trajectory])
        return turn + 1, after._replace(iteration=state.iteration + 1), used

    _, trajectory = tf.function(rollout, jit_compile=True, autograph=False)(state)

    def learning(turn, state, used):
        return turn + 1, learn(learner, state, trajectory)[0], used

    def both(turn, state, used):
        return turn + 1, learn(learner, *rollout(state))[0], used

    parts = {"random numbers": numbers, "rollout": acting, "learning": learning, "iteration": both}
    return {name: _milliseconds(turn, state) for name, turn in parts.items()}


def _milliseconds(turn, state) -> list[float]:
    """Milliseconds of a turn, one number a repeat of the loop of `_TURNS` turns."""
    import tensorflow as tf

    def loop(state):
        end = tf.while_loop(lambda number, *_: number < _TURNS, turn, (0, state, 0.0))
        return end[1].iteration, end[1].weights, end[2]

    program = tf.function(loop, jit_compile=True, autograph=False)
    with ThreadPoolExecutor(1) as thread:  # compiled in another thread than the one that runs it, as in training
        thread.submit(program, state).result()
    repeats = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        program(state)[0].numpy()
        repeats.append((time.perf_counter() - began) / _TURNS * 1000)
    return repeats


def _operations(experiment) -> list[Operation]:
    """The operations of the whole program, those that take longest first."""
    import tensorflow as tf

    programs = experiment.programs(probe_every=1)
    programs.compile()
    programs.iterate(_PROFILED)
    # Level 3 of the host's tracer records every operation of a program.
    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options=options)
        done = len(programs.iterate(_PROFILED).metrics["bad_update"])
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        sums = _sums(file)
    found = [Operation(name, time / done, calls / done) for name, (calls, time) in sums.items() if not _LOOP(name)]
    return sorted(found, key=lambda operation: -operation.microseconds)


def _sums(file: Path) -> dict[str, tuple[int, float]]:
    """{operation: (calls, microseconds)} of the traced events that are XLA operations."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(file.read_bytes())
    sums = collections.defaultdict(lambda: (0, 0.0))
    for plane in space.planes:
        named = {key: value.name for key, value in plane.stat_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                if any(named[stat.metadata_id] == "hlo_op" for stat in event.stats):
                    name = plane.event_metadata[event.metadata_id].name
                    calls, microseconds = sums[name]
                    sums[name] = calls + 1, microseconds + event.duration_ps / 1e6
    return dict(sums)
