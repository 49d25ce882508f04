"""The matrix products of an iteration of PPO, with as little else as possible: XLA must not optimise one away."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from benchmarks.repeating import repeated

_SMALL = 1e-6  # so small a step that weights stay finite; they move, so that no product is loop-invariant


@dataclass(frozen=True)
class IterationShape:
    """The sizes of PPO's iteration with a shared torso of two equal layers."""

    num_envs: int
    length: int = 128
    epochs: int = 4
    minibatches: int = 4
    observation: int = 4
    width: int = 64
    actions: int = 2

    @property
    def batch(self) -> int:
        """Environment steps of an iteration."""
        return self.num_envs * self.length


class Kernels(NamedTuple):
    """The kernels of the layers, each [inputs, outputs]."""

    first: tf.Tensor
    second: tf.Tensor
    policy: tf.Tensor
    value: tf.Tensor


def products_program(shape: IterationShape) -> Callable[[int], None]:
    """A compiled XLA program that computes the products of a given number of iterations, and waits for them."""
    random = tf.random.Generator.from_seed(0)
    layers = Kernels(
        (shape.observation, shape.width), (shape.width, shape.width), (shape.width, shape.actions), (shape.width, 1)
    )
    kernels = Kernels(*(random.normal(layer, stddev=layer[0] ** -0.5) for layer in layers))
    observations = random.normal((shape.length, shape.num_envs, shape.observation))
    return repeated(functools.partial(iteration, shape, observations=observations), kernels)


def iteration(shape: IterationShape, kernels: Kernels, observations: tf.Tensor) -> Kernels:
    """The products of a rollout, of its values and of every update; returns the slightly moved kernels.

    Args:
        observations: [length, num_envs, observation].
    """

    def act(t, policy):
        return t + 1, policy + _forward(kernels, observations[t])[2]

    start = (tf.constant(0), tf.zeros((shape.num_envs, shape.actions)))
    _, policy = tf.while_loop(lambda t, _: t < shape.length, act, start)
    batch = tf.reshape(observations, (shape.batch, -1))
    *_, old_policy, old_value = _forward(kernels, batch)
    *_, bootstrap = _forward(kernels, observations[-1] + 1.0)  # the values beyond the rollout's end
    samples = tf.reshape(batch, (shape.minibatches, -1, shape.observation))

    def update(number, kernels):
        gradient = _gradient(kernels, samples[number % shape.minibatches])
        return number + 1, Kernels(*(w - _SMALL * dw for w, dw in zip(kernels, gradient, strict=True)))

    start = (tf.constant(0), kernels)
    updates = shape.epochs * shape.minibatches
    _, kernels = tf.while_loop(lambda number, _: number < updates, update, start)
    used = tf.add_n([tf.reduce_sum(x) for x in (policy, old_policy, old_value, bootstrap)])
    return kernels._replace(value=kernels.value + _SMALL**2 * used)


def _forward(kernels: Kernels, x: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The outputs of both layers and both heads for x [B, observation], without activations."""
    first = x @ kernels.first
    second = first @ kernels.second
    return first, second, few_columns(second, kernels.policy), few_columns(second, kernels.value)


def few_columns(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """x W as one matrix-vector product a column: the fastest form for few columns, as in `rl.networks.linear`."""
    return tf.stack([tf.linalg.matvec(x, column) for column in tf.unstack(kernel, axis=1)], 1)


def _head_gradient(x: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """xᵀ dY as one matrix-vector product a column."""
    return tf.stack([tf.linalg.matvec(x, column, transpose_a=True) for column in tf.unstack(outputs, axis=1)], 1)


def _gradient(kernels: Kernels, x: tf.Tensor) -> Kernels:
    """The gradient of half the sum of squared outputs with respect to every kernel, for x [B, observation]."""
    first, second, policy, value = _forward(kernels, x)
    outputs, heads = tf.concat([policy, value], 1), tf.concat([kernels.policy, kernels.value], 1)
    into_second = tf.add_n(
        [y[:, None] * w for y, w in zip(tf.unstack(outputs, axis=1), tf.unstack(heads, axis=1), strict=True)]
    )
    into_first = tf.matmul(into_second, kernels.second, transpose_b=True)
    return Kernels(
        first=tf.matmul(x, into_first, transpose_a=True),
        second=tf.matmul(first, into_second, transpose_a=True),
        policy=_head_gradient(second, policy),
        value=_head_gradient(second, value),
    )
