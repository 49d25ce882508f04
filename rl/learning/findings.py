"""The results of the probes."""

from typing import NamedTuple

import tensorflow as tf


class Findings(NamedTuple):
    """The results of all probes on one iteration of one run."""

    numbers: dict[str, tf.Tensor]
    """{tag: [] float32}."""
    gramian: tf.Tensor
    """[L, R, R] float64, the Gramian of all R rows in each of the L shared layers; `Legend` names both axes."""
    rows: dict[str, tf.Tensor]
    """{objective: its raw row [P]} on the shared weights; empty if the network shares none."""
