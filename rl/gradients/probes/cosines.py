"""Cosines between the objectives' rows, and how often they conflict."""

import tensorflow as tf

from rl.gradient_tags import conflict_tags, cosine_tags, null_band_tags
from rl.gradients.gramian import conflict, cosines
from rl.gradients.probes.evidence import Evidence


def row_cosines(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The cosine of every pair of raw rows, over all shared weights and per layer; NaN if a row is zero.

    Two independent random directions in P dimensions have a cosine with mean 0 and standard deviation 1/√P, so
    small layers look extreme by chance. A cosine within ± null_band = 2/√P is no evidence of agreement or conflict.
    Empty without shared weights.
    """
    if not evidence.layers:
        return {}
    total, by_layer = cosines(tf.reduce_sum(evidence.raw, 0)), cosines(evidence.raw)
    bands = null_band_tags(evidence.sizes, evidence.layers)
    return {
        **{tag: tf.constant(band) for tag, band in bands.items()},
        **cosine_tags(total, by_layer, evidence.objectives, evidence.layers),
    }


def conflict_fraction(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The share of shared layers in which a pair of raw rows has a negative inner product; see `gramian.conflict`.

    Empty without shared weights.
    """
    if not evidence.layers:
        return {}
    return conflict_tags(conflict(evidence.raw), evidence.objectives)
