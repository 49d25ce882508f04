"""The matrix products of an update of SAC or TD3, with as little else as possible.

An update is one minibatch: SAC's critics and policy, or TD3's critics, with the policy in every second update. The
networks are linear, and every loss is half a sum of squares, so that no product has an operand that XLA could simplify.
The live critics stand for the target's, on the next observations: as many products, and none that is the same in every
update.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from benchmarks.products import few_columns
from benchmarks.repeating import repeated, seconds_a_step

_SMALL = 1e-7  # so small a step that weights stay finite; they move, so that no product is loop-invariant
_FEW = 6  # columns up to which a head is computed column by column, as in `rl.networks.linear`


@dataclass(frozen=True)
class UpdateShape:
    """The sizes of an update; every network has two hidden layers of the same width."""

    observation: int
    action: int
    batch: int = 256
    width: int = 256
    critics: int = 2


class Layers(NamedTuple):
    """The kernels of a network, each [inputs, outputs]."""

    first: tf.Tensor
    second: tf.Tensor
    head: tf.Tensor


class Networks(NamedTuple):
    """The policy and the critics."""

    policy: Layers
    critics: tuple[Layers, ...]


class Batch(NamedTuple):
    """A minibatch."""

    observation: tf.Tensor  # [B, o]
    action: tf.Tensor  # [B, d]
    next_observation: tf.Tensor  # [B, o]


def measurement(agent: str, shape: UpdateShape) -> Callable[[], float]:
    """Compiles the products of `sac` or `td3`, and returns a function that measures the seconds of one update."""
    step, updates = {"sac": (sac_update, 1), "td3": (td3_updates, 2)}[agent]
    networks, batch = initial(agent, shape)
    program = repeated(functools.partial(step, batch=batch), networks)
    return lambda **options: seconds_a_step(program, **options) / updates


def initial(agent: str, shape: UpdateShape) -> tuple[Networks, Batch]:
    """Random kernels of an agent's networks, and a random minibatch."""
    random = tf.random.Generator.from_seed(0)

    def layers(inputs: int, outputs: int) -> Layers:
        sizes = ((inputs, shape.width), (shape.width, shape.width), (shape.width, outputs))
        return Layers(*(random.normal(size, stddev=size[0] ** -0.5) for size in sizes))

    outputs = {"sac": 2, "td3": 1}[agent] * shape.action  # mean and log σ, or the action
    critics = tuple(layers(shape.observation + shape.action, 1) for _ in range(shape.critics))
    sizes = Batch(shape.observation, shape.action, shape.observation)
    return Networks(layers(shape.observation, outputs), critics), Batch(
        *(random.normal((shape.batch, size)) for size in sizes)
    )


def sac_update(networks: Networks, batch: Batch) -> Networks:
    """The networks after an update of all critics and the policy, which every critic judges."""
    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(networks))
        loss = _critics_loss(networks, batch) + _policy_loss(networks, batch, networks.critics)
    return _moved(networks, tape.gradient(loss, networks))


def td3_updates(networks: Networks, batch: Batch) -> Networks:
    """The networks after two updates of all critics and one of the policy, which the first critic judges."""
    networks = networks._replace(critics=_critics_after(networks, batch))
    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(networks.policy))
        loss = _policy_loss(networks, batch, networks.critics[:1])
    networks = networks._replace(policy=_moved(networks.policy, tape.gradient(loss, networks.policy)))
    return networks._replace(critics=_critics_after(networks, batch))


def _critics_after(networks: Networks, batch: Batch) -> tuple[Layers, ...]:
    """The critics after an update."""
    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(networks.critics))
        loss = _critics_loss(networks, batch)
    return _moved(networks.critics, tape.gradient(loss, networks.critics))


def _critics_loss(networks: Networks, batch: Batch) -> tf.Tensor:
    """½ Σ_i Σ_b (q_i(s, a) − y)², [], y the critics' mean at the next observation and the policy's action."""
    inputs = _with_action(networks.policy, batch.next_observation, batch.action.shape[1])
    target = tf.add_n([_output(critic, inputs) for critic in networks.critics]) / len(networks.critics)
    inputs = tf.concat([batch.observation, batch.action], 1)
    return _half_squares([_output(critic, inputs) - tf.stop_gradient(target) for critic in networks.critics])


def _policy_loss(networks: Networks, batch: Batch, critics: tuple[Layers, ...]) -> tf.Tensor:
    """½ Σ_i Σ_b q_i(s, π(s))², [], at critics that no gradient reaches."""
    inputs = _with_action(networks.policy, batch.observation, batch.action.shape[1])
    return _half_squares([_output(tf.nest.map_structure(tf.stop_gradient, critic), inputs) for critic in critics])


def _with_action(policy: Layers, observation: tf.Tensor, size: int) -> tf.Tensor:
    """Observations [B, o] and actions of `size` numbers that depend on every output of the policy, [B, o + size]."""
    outputs = _output(policy, observation)
    return tf.concat([observation, tf.add_n(tf.split(outputs, outputs.shape[1] // size, 1))], 1)


def _output(layers: Layers, x: tf.Tensor) -> tf.Tensor:
    """The output of a network without activations, [B, outputs], for x [B, inputs]."""
    hidden = x @ layers.first @ layers.second
    return few_columns(hidden, layers.head) if layers.head.shape[1] <= _FEW else hidden @ layers.head


def _half_squares(outputs: list[tf.Tensor]) -> tf.Tensor:
    """½ Σ x² over all entries, []."""
    return 0.5 * tf.add_n([tf.reduce_sum(tf.square(x)) for x in outputs])


def _moved(kernels, gradient):
    """The kernels after a very small step against the gradient, a nest like it."""
    return tf.nest.map_structure(lambda w, dw: w - _SMALL * dw, kernels, gradient)
