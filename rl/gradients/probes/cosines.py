"""Cosines between the objectives' rows, and how often they conflict."""

import itertools
import math

import tensorflow as tf

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
    numbers = {"gradient/null_band": tf.constant(_null_band(sum(evidence.sizes)))}
    numbers |= {
        f"gradient/null_band/{layer}": tf.constant(_null_band(size))
        for layer, size in zip(evidence.layers, evidence.sizes, strict=True)
    }
    for (i, a), (j, b) in itertools.combinations(enumerate(evidence.objectives), 2):
        numbers[f"gradient/cosine/{a}-{b}"] = total[i, j]
        for l, layer in enumerate(evidence.layers):
            numbers[f"gradient/cosine/{a}-{b}/{layer}"] = by_layer[l, i, j]
    return numbers


def conflict_fraction(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The share of shared layers in which a pair of raw rows has a negative inner product; see `gramian.conflict`.

    Empty without shared weights.
    """
    if not evidence.layers:
        return {}
    shares = conflict(evidence.raw)
    return {
        f"gradient/conflict/{a}-{b}": shares[i, j]
        for (i, a), (j, b) in itertools.combinations(enumerate(evidence.objectives), 2)
    }


def _null_band(size: int) -> float:
    """2/√P: two standard deviations of the cosine of independent random directions in P = `size` dimensions."""
    return 2.0 / math.sqrt(size)
