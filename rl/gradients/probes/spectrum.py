"""Singular values, in graphs and XLA programs."""

import tensorflow as tf


def singular_values(matrix: tf.Tensor) -> tf.Tensor:
    """σ_1 ≥ σ_2 ≥ …, [min(a, b)] float64, to 1e−4 of the largest; matrix: [a, b].

    The roots of the eigenvalues of the smaller of M Mᵀ and Mᵀ M: for 256 × 64 XLA's own decomposition takes a hundred
    times as long on a CPU.
    """
    matrix = tf.cast(matrix, tf.float64)
    wide = matrix.shape[0] < matrix.shape[1]
    products = tf.matmul(matrix, matrix, transpose_a=not wide, transpose_b=wide)
    return tf.sqrt(tf.maximum(tf.reverse(tf.linalg.eigvalsh(products), [0]), 0.0))
