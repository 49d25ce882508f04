"""Whom the applied step serves."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def attribution(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The change of each loss that the step on the shared weights makes to first order, g_i·Δw, and its share.

    The share is c_i g_i·Δw / Σ_j |c_j g_j·Δw|: negative where the step lowers the loss, positive where it raises it;
    the sizes add up to 1. In all and layer by layer.
    """
    if not evidence.layers:
        return {}
    by_layer = evidence.applied
    coefficients = evidence.coefficients
    total = tf.reduce_sum(by_layer, 0)
    share, layer_share = _share(total * coefficients), _share(by_layer * coefficients)
    numbers = {}
    for i, name in enumerate(evidence.objectives):
        numbers[f"update/change/{name}"] = total[i]
        numbers[f"update/share/{name}"] = share[i]
        for l, layer in enumerate(evidence.layers):
            numbers[f"update/share/{name}/{layer}"] = layer_share[l, i]
    return numbers


def _share(weighted: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(weighted, tf.reduce_sum(tf.abs(weighted), -1, keepdims=True))
