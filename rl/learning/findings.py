"""What probes find in an update."""

from typing import NamedTuple

import tensorflow as tf


class Findings(NamedTuple):
    """Scalars {tag: []}, the rows' Gramians [L, R, R] float64, and the raw rows {objective: one vector on the shared
    weights}.
    """

    numbers: dict[str, tf.Tensor]
    gramian: tf.Tensor
    rows: dict[str, tf.Tensor]
