"""Integration of equations of motion."""

from collections.abc import Callable

import tensorflow as tf


def runge_kutta(derivative: Callable[[tf.Tensor], tf.Tensor], state: tf.Tensor, *, seconds: float) -> tf.Tensor:
    """The state after a time, by one step of the classical Runge-Kutta method of order 4 (Kutta 1901).

    Args: derivative: state [N, k] → its time derivative [N, k]; state: [N, k]; seconds: length of the step.
    Returns: [N, k]; the error of a step is of order seconds⁵.
    """
    first = derivative(state)
    second = derivative(state + 0.5 * seconds * first)
    third = derivative(state + 0.5 * seconds * second)
    fourth = derivative(state + seconds * third)
    return state + seconds / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
