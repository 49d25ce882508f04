"""Second derivatives along one direction."""

from collections.abc import Callable

import tensorflow as tf


def second_derivatives(numbers: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Second derivatives at x = 0, by reverse mode over reverse mode.

    Args: numbers: the function x ↦ {name: f(x)} of a scalar x, [] float32.
    Returns: {name: d²f/dx²}, [] float32 each; 0 for an f that is linear in x.
    """
    zero = tf.zeros(())
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as outer:
        outer.watch(zero)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as inner:
            inner.watch(zero)
            values = numbers(zero)
        slopes = {name: inner.gradient(value, zero) for name, value in values.items()}
    return {name: outer.gradient(slope, zero, unconnected_gradients="zero") for name, slope in slopes.items()}
