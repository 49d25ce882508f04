"""Concatenation and its derivatives: TensorFlow's own, to every order, and batched in an XLA program."""

import numpy as np
import pytest
import tensorflow as tf

from rl.distributions import TanhGaussian
from rl.joining import joined
from rl.networks.gaussian_head import gaussian_head
from rl.networks.patches import Patches


def own(*both):
    return joined(both)


def third_order(join, x, y, direction):
    """Σ sin(join · w), its slope along a direction, that slope's slope, and the gradient of that."""
    weights = tf.constant(np.linspace(-1, 1, 5))
    with tf.GradientTape() as outest:
        outest.watch([x, y])
        with tf.GradientTape() as outer:
            outer.watch([x, y])
            with tf.GradientTape() as inner:
                inner.watch([x, y])
                value = tf.reduce_sum(tf.sin(join(x, y) * weights) * tf.reduce_sum(x * x))
            first = inner.gradient(value, [x, y])
            slope = sum(tf.reduce_sum(g * d) for g, d in zip(first, direction, strict=True))
        second = outer.gradient(slope, [x, y])
        curvature = sum(tf.reduce_sum(g * d) for g, d in zip(second, direction, strict=True))
    return [value, *first, *second, *outest.gradient(curvature, [x, y])]


def numbers(seed):
    random = np.random.default_rng(seed)
    return [tf.constant(random.normal(size=shape)) for shape in ((4, 3), (4, 2))]


def test_derivatives_are_those_of_a_concatenation():
    x, y = numbers(0)
    ours = third_order(own, x, y, numbers(1))
    theirs = third_order(lambda *both: tf.concat(both, -1), x, y, numbers(1))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_second_derivative_can_be_batched_and_compiled():
    """TensorFlow's own cannot: No pfor vectorization defined for XlaDynamicUpdateSlice."""
    runs = [numbers(seed) for seed in (2, 3)]
    stacked = [tf.stack(parts) for parts in zip(*runs, strict=True)]

    def one(both):
        return third_order(own, *both, both)  # along a direction of each run's own

    together = tf.function(
        lambda both: tf.vectorized_map(one, both, fallback_to_while_loop=False), jit_compile=True, autograph=False
    )
    found = together(stacked)
    for k, run in enumerate(runs):
        for ours, alone in zip(found, one(run), strict=True):
            np.testing.assert_allclose(ours[k], alone, rtol=1e-10, atol=1e-10)


def hessian_product(function, x):
    """The Hessian of the sum of a function's outputs times a direction of each run's own."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(function(x))
        slope = tf.reduce_sum(inner.gradient(total, x) * tf.stop_gradient(tf.cos(x)))
    return outer.gradient(slope, x)


def squashed():
    box = TanhGaussian(low=-np.ones(3), high=np.ones(3))
    action = 0.1 * np.ones((4, 3))
    return lambda x: box.log_prob(x, action) + box.entropy(x) + box.kl(x, 0.5 * x + 0.1), 6


def head():
    layer = gaussian_head(2, gain=1.0, seed=0, initial_log_std=0.0)
    layer.build((None, 5))
    return lambda x: tf.sin(tf.cast(layer(tf.cast(x, tf.float32)), tf.float64)), 5


def pixels():
    layer = Patches(name="patches")
    return lambda x: tf.sin(tf.cast(layer(tf.reshape(tf.cast(x, tf.float32), (4, 5, 5, 2))), tf.float64)), 50


@pytest.mark.parametrize("made", [squashed, head, pixels], ids=lambda made: made.__name__)
def test_curvature_of_what_losses_go_through_can_be_batched_and_compiled(made):
    function, width = made()
    x = tf.constant(np.random.default_rng(5).normal(size=(2, 4, width)))

    def of_all(x):
        return tf.vectorized_map(lambda one: hessian_product(function, one), x, fallback_to_while_loop=False)

    found = tf.function(of_all, jit_compile=True, autograph=False)(x)
    for ours, one in zip(found, x, strict=True):
        np.testing.assert_allclose(ours, hessian_product(function, one), rtol=1e-5, atol=1e-5)
