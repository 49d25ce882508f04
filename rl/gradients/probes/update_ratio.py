"""The size of the applied step relative to the weights that it moves."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def update_ratio(evidence: Evidence) -> dict[str, tf.Tensor]:
    """|Δw_l| / |w_l| for every layer l of the network, kernel and bias together; 0 if the weights are 0.

    A ratio of about 10⁻³ is typical.
    """
    return {
        f"update/ratio/{layer}": tf.math.divide_no_nan(step, evidence.weight_norms[layer])
        for layer, step in evidence.step_norms.items()
    }
