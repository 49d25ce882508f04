"""How hard each objective pulls."""

import tensorflow as tf

from rl.gradients.gramian import norms
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import quotient


def row_norms(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms of the raw rows, in all and layer by layer, and their ratio to the first objective's.

    A ratio over 30 says that one objective owns the torso; it is NaN where the first row is zero. With separate torsos:
    of each objective's gradient on its own.
    """
    numbers = {f"gradient/norm/{name}": norm for name, norm in evidence.torso_norms.items()}
    numbers.update({f"gradient/head_norm/{head}": norm for head, norm in evidence.head_norms.items()})
    if not evidence.layers:
        return numbers
    by_layer = norms(evidence.raw)
    first, *others = evidence.objectives
    for name in others:
        ratio = quotient(evidence.torso_norms[name], evidence.torso_norms[first])
        numbers[f"gradient/norm_ratio/{name}-{first}"] = ratio
    for i, name in enumerate(evidence.objectives):
        for l, layer in enumerate(evidence.layers):
            numbers[f"gradient/norm/{name}/{layer}"] = by_layer[l, i]
    return numbers
