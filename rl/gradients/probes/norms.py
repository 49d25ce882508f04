"""The norms of the objectives' gradients."""

import tensorflow as tf

from rl.gradients.gramian import norms
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import quotient


def row_norms(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms of the raw rows, over all shared weights and per layer, and their ratios to the first objective's.

    norm/<objective>[/<layer>]    |g_i|, before coefficients
    head_norm/<head>              of the head's own gradient, coefficients included
    norm_ratio/<other>-<first>    |g_i| / |g_0|; NaN if the first row is zero

    A ratio above 30 or below 1/30 means that one objective dominates the torso under plain gradient descent. With
    separate torsos there are no layers and no ratios, and a norm is that of the objective's gradient on its own torso.
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
