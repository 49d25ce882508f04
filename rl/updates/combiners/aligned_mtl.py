"""Aligned-MTL: independent components alignment for multi-task learning (Senushkin et al., CVPR 2023,
arXiv:2305.19000).
"""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.eigen import symmetric_eigen

_SINGULAR = 1e-12


@settings
class AlignedMTL(Combiner):
    """The rows' principal components, all at the length of the shortest: w = σ_min V Λ^(−½) Vᵀ 1/k.

    The condition number of the rows becomes 1. The step is as short as the smallest singular value: rows that nearly
    depend on each other bring training to a halt. Eigenvalues below 1e−12 of the largest count as zero, so that the
    answer means something for lengths that differ by up to about 1e5; beyond 1e3 it loses digits with every decade.
    """

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return aligned_mtl_weights(gramian), state


def aligned_mtl_weights(gramian: tf.Tensor) -> tf.Tensor:
    """[k, k] → [k] float64."""
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    trace = tf.linalg.trace(gramian)
    eigenvalues, vectors = symmetric_eigen(gramian / tf.where(trace > 0, trace, 1.0))
    kept = eigenvalues > _SINGULAR * tf.reduce_max(eigenvalues)
    smallest = tf.reduce_min(tf.where(kept, eigenvalues, 1.0))
    stretch = tf.where(kept, tf.sqrt(smallest / tf.where(kept, eigenvalues, 1.0)), 0.0)
    along = tf.linalg.matvec(vectors, tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64)), transpose_a=True)
    return tf.linalg.matvec(vectors, stretch * along)
