"""Norms and cosines of the rows, and the pseudo-inverse of small positive semi-definite matrices.

Combiners are solved on unit rows, so that no ratio between the rows' norms costs precision.
"""

from typing import NamedTuple

import tensorflow as tf

from rl.updates.combiners.eigen import symmetric_eigen

_SINGULAR = 1e-10  # relative to the largest eigenvalue; smaller ones are rounding in a Gramian of float32 rows


class UnitRows(NamedTuple):
    """The factors of a Gramian, G = diag(n) C diag(n)."""

    norms: tf.Tensor
    """n, [k] float64."""
    cosines: tf.Tensor
    """C, [k, k] float64, in [−1, 1] with ones on the diagonal; a zero row has cosine 0 with all others."""
    nonzero: tf.Tensor
    """[k] bool, whether a row is not zero."""


def unit_rows(gramian: tf.Tensor) -> UnitRows:
    """Norms and cosines of the rows.

    Args: gramian: G, [k, k] float; entries that violate Cauchy-Schwarz by rounding are clipped.
    """
    gramian = tf.cast(gramian, tf.float64)
    norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(gramian), 0.0))
    nonzero = norms > 0
    divisor = tf.where(nonzero, norms, tf.ones_like(norms))
    cosines = tf.clip_by_value(gramian / divisor[:, None] / divisor[None, :], -1.0, 1.0)
    return UnitRows(norms, tf.linalg.set_diag(cosines, tf.ones_like(norms)), nonzero)


def pseudo_inverse_product(matrix: tf.Tensor, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """pinv(M) v, and whether M has full rank.

    Eigenvalues below 1e−10 of the largest count as 0. For k = 2 there is a closed form, without iterations.

    Args: matrix: M, [k, k] float64, symmetric positive semi-definite; vector: v, [k] float64.
    Returns: ([k] float64, [] bool).
    """
    if matrix.shape[-1] == 2:
        return _two_by_two(matrix, vector)
    eigenvalues, vectors = symmetric_eigen(matrix)
    kept = eigenvalues > _SINGULAR * tf.maximum(tf.reduce_max(eigenvalues), 1e-300)
    inverse = tf.where(kept, 1.0 / tf.where(kept, eigenvalues, tf.ones_like(eigenvalues)), tf.zeros_like(eigenvalues))
    product = tf.linalg.matvec(vectors, inverse * tf.linalg.matvec(vectors, vector, transpose_a=True))
    return product, tf.reduce_all(kept)


def _two_by_two(matrix: tf.Tensor, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`pseudo_inverse_product` for k = 2, by Cramer's rule, or pinv(uuᵀ) v where M = uuᵀ has rank 1."""
    a, b, d = matrix[0, 0], matrix[0, 1], matrix[1, 1]
    trace, determinant = a + d, a * d - b * b
    # The smaller eigenvalue is about determinant / trace, and the larger one about the trace.
    full = determinant > _SINGULAR * tf.square(trace)
    x = tf.stack([d * vector[0] - b * vector[1], a * vector[1] - b * vector[0]]) / tf.where(full, determinant, 1.0)
    square = tf.where(trace > 0, tf.square(trace), 1.0)
    rank_one = tf.linalg.matvec(matrix, vector) / square  # pinv(uuᵀ) = uuᵀ/|u|⁴
    return tf.where(full, x, tf.where(trace > 0, rank_one, tf.zeros_like(rank_one))), full
