"""Learning-rate schedules: the factor on the learning rate as a function of the progress of training."""

import math
from collections.abc import Callable

import tensorflow as tf


def constant(progress: tf.Tensor) -> tf.Tensor:
    """1 throughout."""
    return tf.ones_like(progress)


def linear(progress: tf.Tensor) -> tf.Tensor:
    """1 − progress: from 1 to 0."""
    return 1.0 - progress


def cosine(progress: tf.Tensor) -> tf.Tensor:
    """½ (1 + cos π progress): from 1 to 0, level at both ends (Loshchilov & Hutter 2017, eq. 5, one period)."""
    return 0.5 * (1.0 + tf.cos(math.pi * progress))


SCHEDULES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"constant": constant, "linear": linear, "cosine": cosine}
"""By name; the progress is environment steps done over steps in all, [] float32 in [0, 1]."""
