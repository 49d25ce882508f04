"""How large the weights are, and how many directions they use."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.spectrum import singular_values


def weight_spectra(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The norm of every layer's weights, and the stable rank |W|_F² / σ_1² of its kernel."""
    numbers = {f"weights/norm/{layer}": norm for layer, norm in evidence.weight_norms.items()}
    for layer, kernel in evidence.kernels.items():
        numbers[f"weights/stable_rank/{layer}"] = stable_rank(kernel)
    return numbers


def stable_rank(matrix: tf.Tensor) -> tf.Tensor:
    """|W|_F² / σ_1², [] float64, from 1 to the rank; 0 for the zero matrix. matrix: [a, b]."""
    values = singular_values(matrix)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.square(values)), tf.square(values[0]))
