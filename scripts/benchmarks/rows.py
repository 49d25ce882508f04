"""The cost of rows: an update with m gradient rows and their Gramian, against `sum` on the same m losses.

A torso is shared by m heads, and each objective is the squared error of its own head against random targets. With
`sum` an update takes one backward pass through the total loss. With rows it takes m backward passes through the torso,
the Gramian [L, m, m], and the same weights of 1, so that both programs make the same step to float32 rounding. Both
use the package's network, update rule and Adam, and run as one XLA program of many updates. Measured is the CPU time of
the process, which other work on the machine hardly changes; on one thread it is the time that an update takes.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.printing import machine, markdown, median
from rl.commands.progress import progress

_COUNTS = (2, 3, 4, 6, 8)
_FEATURES = 4  # of an observation, as in CartPole


class Task(NamedTuple):
    """m objectives on one torso; samples is the size of the batch, widths are the units of the torso's layers."""

    num_objectives: int
    samples: int
    widths: tuple[int, ...]


def add(commands) -> None:
    """The command and its options."""
    help_ = "what an update with rows costs beside one of the total loss"
    command = commands.add_parser("rows", help=help_, description=__doc__)
    command.add_argument("--rounds", type=int, default=9)
    command.add_argument("--objectives", type=int, nargs="*", default=_COUNTS, help="m (default: 2 3 4 6 8)")
    command.add_argument("--samples", type=int, default=256, help="of a batch (default: 256)")
    command.add_argument("--widths", type=int, nargs="*", default=(64, 64), help="of the torso (default: 64 64)")
    command.add_argument("--updates", type=int, default=2_000, help="of a turn (default: 2,000)")
    command.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    command.set_defaults(run=rows)


def rows(arguments: argparse.Namespace) -> None:
    """Measures and prints."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tasks = [Task(m, arguments.samples, tuple(arguments.widths)) for m in arguments.objectives]
    pairs = {}
    for task in progress(tasks, "compiling"):
        pairs[task.num_objectives] = {
            with_rows: updates_program(task, with_rows=with_rows) for with_rows in (False, True)
        }
    seconds: dict[int, list[tuple[float, float]]] = {m: [] for m in pairs}
    for number in progress(range(arguments.rounds), "rounds"):
        for m, programs in pairs.items():
            turn = {with_rows: _seconds(programs[with_rows], arguments.updates) for with_rows in _order(number)}
            seconds[m].append((turn[False], turn[True]))
    print(
        f"An update of m objectives on one {'-'.join(map(str, arguments.widths))} torso, batches of "
        f"{arguments.samples}, Adam, threads={arguments.threads}; medians of {arguments.rounds} rounds in turns, with "
        f"the range of the rounds' ratios. {machine()}\n"
    )
    header = ["m", "`sum`, CPU µs an update", "rows and Gramian, CPU µs", "ratio"]
    print(markdown(header, (row(m, seconds[m]) for m in pairs)))


def row(num_objectives: int, seconds: Sequence[tuple[float, float]]) -> list[str]:
    """A line of the table from each round's (CPU seconds an update with `sum`, with rows)."""
    ratios = [with_rows / summed for summed, with_rows in seconds]
    columns = [median((1e6 * x for x in column), ".1f") for column in zip(*seconds, strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return [f"{num_objectives}", *columns, f"{median(ratios, '.2f')} × ({spread})"]


def updates_program(task: Task, *, with_rows: bool) -> Callable[[int], Mapping]:
    """A compiled program: number of updates → weights after them, always from the same start."""
    import tensorflow as tf

    from rl.gradients import LIVE, watched_rows
    from rl.networks import OBSERVATION
    from rl.vectors import moved

    network, rule = _rule(task, with_rows=with_rows)
    observation = tf.random.stateless_normal((task.samples, _FEATURES), seed=(0, 0))
    targets = tf.random.stateless_normal((task.samples, task.num_objectives), seed=(0, 1))
    start = {part: tuple(map(tf.convert_to_tensor, own)) for part, own in network.initial_weights().items()}

    def losses(roles):
        outputs = network.apply(roles[LIVE], {OBSERVATION: observation})
        errors = {name: outputs[name][:, 0] - targets[:, k] for k, name in enumerate(network.heads)}
        return {name: tf.reduce_mean(tf.square(error)) for name, error in errors.items()}, None

    def update(number, weights, state, gramians):
        rows = watched_rows(losses, {LIVE: weights}, **rule.asked)
        direction, state = rule.combine(rows, state, tf.zeros(2, tf.int32))
        step, state = rule.step(direction.gradient, weights, state, tf.constant(0.0))
        # The Gramian has to come out of the program, or XLA would leave it out.
        gramians = gramians + direction.gramian if with_rows else gramians
        return number + 1, moved(weights, step.delta), state, gramians

    @tf.function(jit_compile=True, autograph=False)
    def program(count):
        shape = (len(rule.layers), task.num_objectives, task.num_objectives)
        carry = (tf.constant(0), start, rule.init(start), tf.zeros(shape, tf.float64))
        _, weights, _, gramians = tf.while_loop(lambda number, *_: number < count, update, carry)
        return weights, gramians

    def run(count: int) -> Mapping:
        weights, gramians = program(tf.constant(count))
        gramians.numpy()
        return weights

    run(1)
    return run


def _rule(task: Task, *, with_rows: bool):
    """The network of the task, and the update rule of its objectives, each a group of its own."""
    from rl.gradients import LIVE, Objective
    from rl.networks import MLP, OBSERVATION, Network, Part, value_head
    from rl.updates import UpdateRule
    from rl.updates.combiners import Sum
    from rl.updates.optimizers import Adam

    names = [f"objective_{k}" for k in range(task.num_objectives)]
    torso = MLP(widths=list(task.widths), activation="tanh", layer_norm=False)
    parts = {"torso": Part(torso.layers("torso", range(torso.num_seeds)), (OBSERVATION,))}
    for k, name in enumerate(names):
        parts[name] = Part(value_head(gain=1.0, bias=0.0, seed=100 + k, name=name), ("torso",))
    network = Network(parts, {OBSERVATION: (_FEATURES,)}, names)
    adam = Adam(
        learning_rate=1e-3,
        head_learning_rate=None,
        rates={},
        schedule="constant",
        clip_norm=0.5,
        clip_value=None,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-5,
    )
    rule = UpdateRule(
        objectives=[Objective(name, 1.0, {LIVE: network.reads[name]}) for name in names],
        groups={name: (name,) for name in names},
        names=network.names,
        heads=network.heads,
        combiner=Sum(scope="global", row_weights=None),
        optimizer=adam,
        always_rows=with_rows,
    )
    return network, rule


def _order(number: int) -> tuple[bool, bool]:
    """Which program goes first in a round: they take turns."""
    return (False, True) if number % 2 else (True, False)


def _seconds(program: Callable[[int], Mapping], updates: int) -> float:
    """CPU seconds an update, of all threads of the process."""
    began = time.process_time()
    program(updates)
    return (time.process_time() - began) / updates
