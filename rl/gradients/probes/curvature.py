"""The curvature of each loss along the applied step."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def curvature(evidence: Evidence) -> dict[str, tf.Tensor]:
    """uᵀ H_i u for every objective's loss, H_i its Hessian and u = Δw / |Δw| the applied step's direction.

    Δw is the step on all weights, the heads' included. To second order a loss changes by g_i·Δw + ½ |Δw|² uᵀH_i u:
    if the second term is positive and exceeds the first in size, the step is too long for this loss.
    """
    return {f"gradient/curvature/{name}": number for name, number in evidence.curvatures.items()}
