"""Second derivatives along one direction."""

from collections.abc import Callable

import tensorflow as tf


def second_derivatives(numbers: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """{name: d²f/dx² at 0} of functions of one number x, [] float32 each."""
    zero = tf.zeros(())
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as outer:
        outer.watch(zero)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as inner:
            inner.watch(zero)
            values = numbers(zero)
        slopes = {name: inner.gradient(value, zero) for name, value in values.items()}
    return {name: outer.gradient(slope, zero, unconnected_gradients="zero") for name, slope in slopes.items()}
