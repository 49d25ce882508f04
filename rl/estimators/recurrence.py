"""The one recursion behind every return and advantage."""

import tensorflow as tf


def reverse_linear_recurrence(x_t: tf.Tensor, a_t: tf.Tensor, y_T: tf.Tensor) -> tf.Tensor:
    """Solves y_t = x_t + a_t y_{t+1} for t = T−1 … 0, given y_T.

    Composing the affine maps y ↦ x + a y by doubling takes ⌈log2(T + 1)⌉ elementwise steps and no loop in the graph
    (Hillis & Steele 1986, "Data parallel algorithms"). Division-free, so a_t = 0 cuts exactly, even from what is not
    finite.

    Args:
        x_t, a_t: [T, ...] float.
        y_T: [...] float, the value beyond the end.
    Returns: [T, ...], y_0 … y_{T−1}; gradients flow through all three.
    """
    length = x_t.shape[0] + 1
    x = tf.concat([x_t, y_T[None]], 0)
    a = tf.concat([a_t, tf.zeros_like(y_T)[None]], 0)
    shift = 1
    while shift < length:
        x = x + a * cut(_later(x, shift), a)
        a = a * _later(a, shift)
        shift *= 2
    return x[:-1]


def cut(y: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    """y, but 0 where it is not finite and its factor a is 0: then a·y is 0 there too, and so is its gradient."""
    return tf.where(tf.math.is_finite(y) | (a != 0), y, tf.zeros_like(y))


def _later(x: tf.Tensor, shift: int) -> tf.Tensor:
    """x_{t + shift}, zero beyond the end."""
    return tf.concat([x[shift:], tf.zeros_like(x[:shift])], 0)


def linear_recurrence(x_t: tf.Tensor, a_t: tf.Tensor, y_before: tf.Tensor) -> tf.Tensor:
    """Solves y_t = x_t + a_t y_{t−1} for t = 0 … T−1, given y_{−1}; shapes as in `reverse_linear_recurrence`."""
    return tf.reverse(reverse_linear_recurrence(tf.reverse(x_t, [0]), tf.reverse(a_t, [0]), y_before), [0])
