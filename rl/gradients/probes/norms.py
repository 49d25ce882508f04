"""The norms of the objectives' gradients."""

import tensorflow as tf

from rl.gradient_tags import norm_tags
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
    of, heads, objectives = evidence.torso_norms, evidence.head_norms, evidence.objectives
    if not evidence.layers:
        return norm_tags(of, heads, {}, None, objectives, ())
    first, *others = objectives
    ratios = {name: quotient(of[name], of[first]) for name in others}
    return norm_tags(of, heads, ratios, norms(evidence.raw), objectives, evidence.layers)
