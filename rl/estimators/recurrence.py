"""The linear recurrence behind every return, advantage and sum over an episode.

`reverse_linear_recurrence` runs backwards in time, `linear_recurrence` forwards.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from rl.naming import Program


def reverse_linear_recurrence(x_t: tf.Tensor, a_t: tf.Tensor, y_T: tf.Tensor) -> tf.Tensor:
    """Solves y_t = x_t + a_t y_{t+1} for t = T−1 … 0, given y_T.

    Composing the affine maps y ↦ x + a y by doubling takes ⌈log2(T + 1)⌉ elementwise steps and no loop in the graph
    (Hillis & Steele 1986, "Data parallel algorithms"). It never divides, so a_t = 0 removes all influence of y_{t+1}
    exactly, even if that is NaN or infinite.

    Args:
        x_t, a_t: [T, ...] float of the same dtype; T is static.
        y_T: [...] float, the value after the last step.
    Returns: [T, ...], y_0 … y_{T−1}; gradients flow to all three arguments.
    """
    x_t, a_t, y_T = (tf.convert_to_tensor(x) for x in (x_t, a_t, y_T))
    return _program(tuple(x_t.shape), x_t.dtype)(x_t, a_t, y_T)


@functools.cache
def _program(shape: tuple[int, ...], dtype: tf.DType) -> Program:
    """The program for arrays [T, ...] of one shape and dtype, traced once and shared by all returns and advantages."""
    return Program(_doubling, compiled=None, identity=(shape, dtype.name))


def _doubling(x_t: tf.Tensor, a_t: tf.Tensor, y_T: tf.Tensor) -> tf.Tensor:
    """The scan by doubling: after k passes, x_t and a_t are the composition of the 2^k maps from t onwards."""
    length = x_t.shape[0] + 1
    x = tf.concat([x_t, y_T[None]], 0)
    a = tf.concat([a_t, tf.zeros_like(y_T)[None]], 0)
    shift = 1
    while shift < length:
        later = _later(length, shift)
        x = x + a * cut(later(x), a)
        a = a * later(a)
        shift *= 2
    return x[:-1]


def cut(y: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    """y, replaced by 0 where it is not finite and its factor a is 0, so that a·y and its gradient are 0, not NaN.

    Args: y, a: float, of the same shape.
    """
    return tf.where(tf.math.is_finite(y) | (a != 0), y, tf.zeros_like(y))


def _later(length: int, shift: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The function x_t ↦ x_{t + shift} on arrays [length, ...], zero-padded at the end; 0 < shift < length."""
    kept, beyond = length - shift, tf.constant([0, shift])

    def later(x: tf.Tensor) -> tf.Tensor:
        padding = tf.concat([beyond[None], tf.zeros((x.shape.rank - 1, 2), tf.int32)], 0)
        return tf.pad(x[-kept:], padding)

    return later


def linear_recurrence(x_t: tf.Tensor, a_t: tf.Tensor, y_before: tf.Tensor) -> tf.Tensor:
    """Solves y_t = x_t + a_t y_{t−1} for t = 0 … T−1, given y_{−1} = y_before.

    Shapes, gradients and the treatment of a_t = 0 are those of `reverse_linear_recurrence`.
    """
    return tf.reverse(reverse_linear_recurrence(tf.reverse(x_t, [0]), tf.reverse(a_t, [0]), y_before), [0])
