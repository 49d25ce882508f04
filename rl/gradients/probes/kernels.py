"""Norms of the weights, and stable ranks of the kernels."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.spectrum import singular_values


def weight_spectra(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The norm of each layer's weights, kernel and bias together, and the stable rank |W|_F² / σ_1² of its kernel W.

    Growing norms and falling ranks often precede a loss of plasticity.
    """
    numbers = {f"weights/norm/{layer}": norm for layer, norm in evidence.weight_norms.items()}
    for layer, kernel in evidence.kernels.items():
        numbers[f"weights/stable_rank/{layer}"] = stable_rank(kernel)
    return numbers


def stable_rank(matrix: tf.Tensor) -> tf.Tensor:
    """|W|_F² / σ_1² = Σ_i σ_i² / σ_1², a lower bound on the rank, insensitive to small singular values.

    Args: matrix: W, [a, b] float.
    Returns: [] float64, from 1 to the rank; 0 for the zero matrix.
    """
    values = singular_values(matrix)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.square(values)), tf.square(values[0]))
