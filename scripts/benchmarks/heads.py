"""A linear layer with few outputs after a hidden one, forward and backward: column by column beside one product."""

import argparse

import keras
import tensorflow as tf

from benchmarks.printing import machine, markdown, spread
from benchmarks.repeating import repeated, seconds_a_step
from rl.commands.answers import positive
from rl.networks.linear import FewOutputs

_SMALL = 1e-6  # so small a step that weights stay finite; they move, so that no product is loop-invariant


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "a head with few outputs: column by column beside one product"
    command = commands.add_parser("heads", help=help_, description=__doc__)
    command.add_argument("--samples", type=positive, default=256, help="samples of a minibatch (default: 256)")
    command.add_argument("--features", type=positive, nargs="+", default=[64, 256], help="of the hidden layer")
    command.add_argument("--outputs", type=positive, nargs="+", default=[1, 2, 4, 6, 8], help="of the head")
    command.add_argument(
        "--activation", nargs="+", choices=("relu", "tanh"), default=["relu", "tanh"], help="of the hidden layer"
    )
    command.add_argument("--threads", type=positive, default=1, help="CPU threads (default: 1)")
    command.add_argument("--rounds", type=positive, default=7, help="alternating rounds (default: 7)")
    command.set_defaults(run=heads)


def heads(arguments: argparse.Namespace) -> None:
    """Prints a table of µs a step."""
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    shapes = [(a, f, o) for a in arguments.activation for f in arguments.features for o in arguments.outputs]
    lines = []
    for activation, features, outputs in shapes:
        programs = {kind: _program(kind, activation, arguments.samples, features, outputs) for kind in _KINDS}
        times = {kind: [] for kind in _KINDS}
        for _ in range(arguments.rounds):
            for kind, program in programs.items():
                times[kind].append(1e6 * seconds_a_step(program, at_least=0.1))
        lines.append([activation, f"{features}", f"{outputs}", *(spread(times[kind], ",.1f") for kind in _KINDS)])
    print(
        f"µs of a forward and backward pass, {arguments.samples} samples, {arguments.threads} thread(s), medians of "
        f"{arguments.rounds} with the range. {machine()}\n"
    )
    print(markdown(["activation", "features", "outputs", "column by column", "one product"], lines))


_KINDS = {"columns": FewOutputs, "product": keras.layers.Dense}


def _program(kind: str, activation: str, samples: int, features: int, outputs: int):
    """The compiled step: loss, gradients and a tiny change of both kernels; see `repeated`."""
    random = tf.random.Generator.from_seed(0)
    inputs = random.normal((samples, features))
    start = tuple(random.normal(size, stddev=features**-0.5) for size in ((features, features), (features, outputs)))
    head, nonlinear = _KINDS[kind](outputs), keras.activations.get(activation)
    head.build((samples, features))

    def step(kernels):
        hidden, own = kernels
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            found = head.stateless_call([own, head.bias], [], nonlinear(inputs @ hidden))[0]
            loss = tf.reduce_mean(tf.square(found - 1.0))
        return tuple(x - _SMALL * gradient for x, gradient in zip(kernels, tape.gradient(loss, kernels), strict=True))

    return repeated(step, start)
