"""How large the step is beside the weights that it moves."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def update_ratio(evidence: Evidence) -> dict[str, tf.Tensor]:
    """|Δw_l| / |w_l| of every layer of the network; 0 where the weights are 0."""
    return {
        f"update/ratio/{layer}": tf.math.divide_no_nan(step, evidence.weight_norms[layer])
        for layer, step in evidence.step_norms.items()
    }
