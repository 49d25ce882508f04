"""Distributions on a box, squashed from unbounded numbers by tanh."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class Squashed:
    """a = m + s tanh(u), with m and s the middle and half the width of the box."""

    def __init__(self, low: Sequence[float], high: Sequence[float]):
        """Args: low, high: [d] finite bounds, low < high.

        Raises: ValueError for bounds that are not finite, or not in order.
        """
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        if low.shape != high.shape or low.ndim != 1 or not np.all(np.isfinite(low) & np.isfinite(high) & (low < high)):
            raise ValueError(f"a squashed distribution needs finite bounds low < high, [d] each, not {low} and {high}.")
        self.middle, self.half = (high + low) / 2, (high - low) / 2
        self.num_dimensions = len(low)

    def squashed(self, before: tf.Tensor) -> tf.Tensor:
        """m + s tanh(u), [..., d]."""
        return self.within(tf.tanh(before))

    def within(self, unit: tf.Tensor) -> tf.Tensor:
        """m + s x, [..., d], of x in [−1, 1]."""
        return tf.constant(self.middle, unit.dtype) + tf.constant(self.half, unit.dtype) * unit
