"""A probe: how far the longest row is ahead."""

import tensorflow as tf


def longest(evidence):
    """The length of the longest row over that of all rows together, in (0, 1]."""
    lengths = tf.stack(list(evidence.torso_norms.values()))
    return {"gradient/longest": tf.reduce_max(lengths) / tf.reduce_sum(lengths)}
