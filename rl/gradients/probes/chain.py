"""From the raw rows to the step: the norm at every stage."""

import tensorflow as tf

from rl.gradients.gramian import cosines, norms
from rl.gradients.probes.evidence import EXTRA_ROWS, Evidence


def chain(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms on the shared weights: weighted rows, combined gradient, clipped gradient, applied step; and two cosines.

    The cosine of the combined gradient and −Δw says how much of the combiner's choice the optimizer left.
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
