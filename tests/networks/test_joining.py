"""Concatenation and its derivatives: TensorFlow's own, to every order, and batched in an XLA program."""

import numpy as np
import tensorflow as tf

from rl.networks.joining import joined


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
    ours = third_order(joined, x, y, numbers(1))
    theirs = third_order(lambda *both: tf.concat(both, -1), x, y, numbers(1))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_second_derivative_can_be_batched_and_compiled():
    """TensorFlow's own cannot: No pfor vectorization defined for XlaDynamicUpdateSlice."""
    runs = [numbers(seed) for seed in (2, 3)]
    stacked = [tf.stack(parts) for parts in zip(*runs, strict=True)]
    direction = numbers(1)

    def one(both):
        return third_order(joined, *both, direction)

    together = tf.function(lambda both: tf.vectorized_map(one, both, fallback_to_while_loop=False), jit_compile=True)
    found = together(stacked)
    for k, run in enumerate(runs):
        for ours, alone in zip(found, one(run), strict=True):
            np.testing.assert_allclose(ours[k], alone, rtol=1e-10, atol=1e-10)
