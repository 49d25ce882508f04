"""ConFIG: conflict-free inverse gradients (Liu, Chu & Thuerey 2024, arXiv:2408.11104)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import pseudo_inverse_product, unit_rows


@settings
class ConFIG(Combiner):
    """The direction with equal cosines to all rows, with the sum of the rows' projections on it as its length.

    v = pinv(U) 1,  v̂ = v/|v|,  x = (Σ_i g_i·v̂) v̂    (eqs. 2 and 3; the rows of U are the û_i)

    For two rows w_i = (n_1 + n_2)/(2 n_i). A zero row has weight 0. For opposite rows no such direction exists, and the
    update is 0.
    """

    def weights(self, gramian, losses, state, seed):
        """`config_weights` of the Gramian; see `Combiner.weights`."""
        return config_weights(gramian), state


def config_weights(gramian: tf.Tensor) -> tf.Tensor:
    """w_i = y_i/n_i · Σ_j n_j (C y)_j / (yᵀ C y) with y = pinv(C) 1, since v = Uᵀ y.

    Args: gramian: G, [k, k] float.
    Returns: [k] float64.
    """
    unit = unit_rows(gramian)
    ones = tf.cast(unit.nonzero, tf.float64)
    y, _ = pseudo_inverse_product(unit.cosines, ones)
    cy = tf.linalg.matvec(unit.cosines, y) * ones
    square = tf.reduce_sum(y * cy)
    usable = square > 1e-20
    length = tf.where(usable, tf.reduce_sum(unit.norms * cy) / tf.where(usable, square, tf.ones_like(square)), 0.0)
    return tf.where(unit.nonzero, length * y / tf.where(unit.nonzero, unit.norms, tf.ones_like(y)), tf.zeros_like(y))
