"""ConFIG: conflict-free inverse gradients (Liu, Chu & Thuerey 2024, arXiv:2408.11104)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import pseudo_inverse_product, unit_rows


@settings
class ConFIG(Combiner):
    """The direction with equal cosines to all rows, as long as the rows' projections on it together (eqs. 2 and 3).

    x = pinv(U) 1 with U the unit rows, x̂ = x/|x|, update = (Σ_i g_i·x̂) x̂. For two rows w_i = (n_1 + n_2)/(2 n_i).
    A zero row gets weight 0; opposite rows have no such direction, and the update is 0.
    """

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return config_weights(gramian), state


def config_weights(gramian: tf.Tensor) -> tf.Tensor:
    """[k, k] → [k] float64: with y = pinv(C) 1, w = y/n · Σ_i n_i (C y)_i / (yᵀ C y), for x = Uᵀ y."""
    unit = unit_rows(gramian)
    ones = tf.cast(unit.nonzero, tf.float64)
    y, _ = pseudo_inverse_product(unit.cosines, ones)
    cy = tf.linalg.matvec(unit.cosines, y) * ones
    square = tf.reduce_sum(y * cy)
    usable = square > 1e-20
    length = tf.where(usable, tf.reduce_sum(unit.norms * cy) / tf.where(usable, square, tf.ones_like(square)), 0.0)
    return tf.where(unit.nonzero, length * y / tf.where(unit.nonzero, unit.norms, tf.ones_like(y)), tf.zeros_like(y))
