"""Attribution: which losses the applied step lowers, and which it raises."""

import tensorflow as tf

from rl.gradient_tags import attribution_tags
from rl.gradients.probes.evidence import Evidence


def attribution(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The first-order change of each loss under the step on the shared weights, and its share of all changes.

    change_i = g_i·Δw,   share_i = c_i g_i·Δw / Σ_j |c_j g_j·Δw|

    Both are negative if the step lowers the loss and positive if it raises it; the shares' absolute values sum to 1.
    g_i is the raw row and c_i its coefficient. Shares are also logged per layer. Empty without shared weights.
    """
    if not evidence.layers:
        return {}
    by_layer = evidence.applied
    coefficients = evidence.coefficients
    total = tf.reduce_sum(by_layer, 0)
    share, layer_share = _share(total * coefficients), _share(by_layer * coefficients)
    return attribution_tags(total, share, layer_share, evidence.objectives, evidence.layers)


def _share(weighted: tf.Tensor) -> tf.Tensor:
    """Each entry divided by the sum of absolute values along the last axis; 0 if all are 0."""
    return tf.math.divide_no_nan(weighted, tf.reduce_sum(tf.abs(weighted), -1, keepdims=True))
