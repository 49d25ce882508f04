"""Aligned-MTL: independent component alignment for multi-task learning (Senushkin et al. 2023, arXiv:2305.19000)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.eigen import symmetric_eigen

_SINGULAR = 1e-12


@settings
class AlignedMTL(Combiner):
    """Rescales the rows' principal components to the length of the shortest, and takes the mean of the rows.

    w = σ_min V Λ^(−½) Vᵀ 1/k,  G = V Λ Vᵀ,  σ_min² the smallest eigenvalue in Λ that is not 0

    The condition number of the aligned rows is 1. The step is as short as the smallest singular value, so nearly
    dependent rows stall training. Eigenvalues below 1e−12 of the largest count as 0: the result is meaningful for norms
    that differ by a factor of up to about 1e5, and loses digits with every decade beyond 1e3.
    """

    def weights(self, gramian, losses, state, seed):
        """`aligned_mtl_weights` of the Gramian; see `Combiner.weights`."""
        return aligned_mtl_weights(gramian), state


def aligned_mtl_weights(gramian: tf.Tensor) -> tf.Tensor:
    """w = σ_min V Λ^(−½) Vᵀ 1/k, from the eigenvalues of G over its trace.

    Args: gramian: G, [k, k] float.
    Returns: [k] float64; 0 for k zero rows.
    """
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    trace = tf.linalg.trace(gramian)
    eigenvalues, vectors = symmetric_eigen(gramian / tf.where(trace > 0, trace, 1.0))
    kept = eigenvalues > _SINGULAR * tf.reduce_max(eigenvalues)
    smallest = tf.reduce_min(tf.where(kept, eigenvalues, 1.0))
    stretch = tf.where(kept, tf.sqrt(smallest / tf.where(kept, eigenvalues, 1.0)), 0.0)
    along = tf.linalg.matvec(vectors, tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64)), transpose_a=True)
    return tf.linalg.matvec(vectors, stretch * along)
