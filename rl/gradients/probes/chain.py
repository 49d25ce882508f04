"""The chain from the raw rows to the applied step: the norm at every stage, and cosines between stages."""

import tensorflow as tf

from rl.gradients.gramian import cosines, norms
from rl.gradients.probes.evidence import EXTRA_ROWS, Evidence


def chain(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms on the shared weights of every stage from row to step, and cosines with the applied step Δw.

    weighted_norm   |c_i g_i| of each objective's row
    combined_norm, clipped_norm, applied_norm   of the combiner's direction, of the clipped direction, and of Δw
    cosine/combined-applied   cos(combined, −Δw): how much of the combiner's direction the optimizer keeps
    cosine/<objective>-applied   cos(g_i, −Δw): positive if the step lowers the loss to first order

    Cosines are NaN if one of the two vectors is 0. Empty without shared weights.
    """
    if not evidence.layers:
        return {}
    m = evidence.num_objectives
    known = m + len(EXTRA_ROWS)
    total, applied = tf.reduce_sum(evidence.gramian[:, :known, :known], 0), m + EXTRA_ROWS.index("applied")
    length, cosine = norms(total), cosines(total)
    numbers = {
        f"gradient/weighted_norm/{name}": tf.abs(evidence.coefficients[i]) * length[i]
        for i, name in enumerate(evidence.objectives)
    }
    for place, stage in enumerate(EXTRA_ROWS):
        numbers[f"gradient/{stage}_norm" if stage != "applied" else "update/applied_norm"] = length[m + place]
    numbers["update/cosine/combined-applied"] = -cosine[m, applied]
    for i, name in enumerate(evidence.objectives):
        numbers[f"update/cosine/{name}-applied"] = -cosine[i, applied]
    return numbers
