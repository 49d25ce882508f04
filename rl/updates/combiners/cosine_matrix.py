"""The rows at unit length: what rules that must survive scale gaps are solved on."""

from typing import NamedTuple

import tensorflow as tf

from rl.updates.combiners.eigen import symmetric_eigen

_SINGULAR = 1e-10  # float64 Gramians of float32 rows carry no digits below this


class UnitRows(NamedTuple):
    """Norms n [k], cosines C [k, k] and which rows are not zero [k] bool, all float64; a zero row is a unit row of its
    own.
    """

    norms: tf.Tensor
    cosines: tf.Tensor
    nonzero: tf.Tensor


def unit_rows(gramian: tf.Tensor) -> UnitRows:
    """The decomposition G = diag(n) C diag(n)."""
    gramian = tf.cast(gramian, tf.float64)
    norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(gramian), 0.0))
    nonzero = norms > 0
    divisor = tf.where(nonzero, norms, tf.ones_like(norms))
    cosines = tf.clip_by_value(gramian / divisor[:, None] / divisor[None, :], -1.0, 1.0)
    return UnitRows(norms, tf.linalg.set_diag(cosines, tf.ones_like(norms)), nonzero)


def pseudo_inverse_product(matrix: tf.Tensor, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """pinv(M) v for a symmetric positive semi-definite M [k, k], and whether M has full rank ([] bool).

    Eigenvalues below 1e−10 of the largest count as zero. Two rows take a closed form, which knows no iteration.
    """
    if matrix.shape[-1] == 2:
        return _two_by_two(matrix, vector)
    eigenvalues, vectors = symmetric_eigen(matrix)
    kept = eigenvalues > _SINGULAR * tf.maximum(tf.reduce_max(eigenvalues), 1e-300)
    inverse = tf.where(kept, 1.0 / tf.where(kept, eigenvalues, tf.ones_like(eigenvalues)), tf.zeros_like(eigenvalues))
    product = tf.linalg.matvec(vectors, inverse * tf.linalg.matvec(vectors, vector, transpose_a=True))
    return product, tf.reduce_all(kept)


def _two_by_two(matrix: tf.Tensor, vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    a, b, d = matrix[0, 0], matrix[0, 1], matrix[1, 1]
    trace, determinant = a + d, a * d - b * b
    # The smaller eigenvalue is about determinant / trace, and the larger one about the trace.
    full = determinant > _SINGULAR * tf.square(trace)
    x = tf.stack([d * vector[0] - b * vector[1], a * vector[1] - b * vector[0]]) / tf.where(full, determinant, 1.0)
    square = tf.where(trace > 0, tf.square(trace), 1.0)
    rank_one = tf.linalg.matvec(matrix, vector) / square  # pinv(uuᵀ) = uuᵀ/|u|⁴
    return tf.where(full, x, tf.where(trace > 0, rank_one, tf.zeros_like(rank_one))), full
