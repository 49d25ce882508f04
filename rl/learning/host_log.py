"""What the program of a host call writes for each of its iterations, and how the host reads it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

MOST_ITERATIONS = 256
"""Iterations of a host call at most: XLA needs a static size of the log."""


class HostLog(NamedTuple):
    """The log within a host call: one row per iteration."""

    done: tf.Tensor
    """Iterations done in this call, [] int32."""
    bad: tf.Tensor
    """Whether the last iteration was not finite in some run, [] bool."""
    metrics: tf.TensorArray
    findings: tf.TensorArray
    gramians: tf.TensorArray


def host_log(metrics: Sequence[int], findings: Sequence[int], gramians: Sequence[int]) -> HostLog:
    """An empty log. Args: the shapes of an iteration's metrics and findings, float32, and of its Gramians, float64."""
    lines = [tf.TensorArray(tf.float32, size=MOST_ITERATIONS, element_shape=shape) for shape in (metrics, findings)]
    exact = tf.TensorArray(tf.float64, size=MOST_ITERATIONS, element_shape=gramians)
    return HostLog(tf.constant(0), tf.constant(False), *lines, exact)


def stacked(numbers: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """One row of the log, [..., number of tags], in the order of the tags."""
    return tf.stack(list(numbers.values()), -1) if numbers else tf.zeros(0)


def by_tag(tags: Sequence[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """{tag: [K] or [K, S]} of rows [K, ..., number of tags]."""
    return {tag: rows[..., column] for column, tag in enumerate(tags)}
