"""How the losses bend along the step."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def curvature(evidence: Evidence) -> dict[str, tf.Tensor]:
    """uᵀ H_i u of every objective's loss along the applied step's direction u = Δw / |Δw|, on all weights.

    To second order a loss changes by g·Δw + ½ |Δw|² uᵀHu: where the second term outweighs the first, the step is too
    long for it.
    """
    return {f"gradient/curvature/{name}": number for name, number in evidence.curvatures.items()}
