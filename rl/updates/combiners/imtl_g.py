"""IMTL-G: the gradient balance of impartial multi-task learning (Liu et al. 2021, "Towards Impartial Multi-task
Learning", ICLR).
"""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import pseudo_inverse_product, unit_rows


@settings
class IMTLG(Combiner):
    """The direction with equal projections û_i·x on all unit rows, with weights that sum to 1.

    v = pinv(G) n,  w = v / Σ_i v_i

    For two rows w_1 = n_2/(n_1 + n_2): the longer a row, the smaller its weight. With three or more rows weights may be
    negative. If Σ_i v_i = 0 (opposite rows of equal norm), the weights are 0.
    """

    def weights(self, gramian, losses, state, seed):
        """`imtl_g_weights` of the Gramian; see `Combiner.weights`."""
        return imtl_g_weights(gramian), state


def imtl_g_weights(gramian: tf.Tensor) -> tf.Tensor:
    """w = v / Σ_i v_i for v = pinv(G) n.

    If the unit rows are independent, v = diag(1/n) C⁻¹ 1, which loses no precision at any ratio of norms; otherwise the
    pseudo-inverse of G itself is taken.

    Args: gramian: G, [k, k] float.
    Returns: [k] float64, summing to 1, or all 0.
    """
    unit = unit_rows(gramian)
    ones = tf.cast(unit.nonzero, tf.float64)
    y, independent = pseudo_inverse_product(unit.cosines, ones)
    by_cosines = tf.where(unit.nonzero, y / tf.where(unit.nonzero, unit.norms, tf.ones_like(y)), tf.zeros_like(y))
    longest = tf.maximum(tf.reduce_max(unit.norms), 1e-150)
    by_gramian, _ = pseudo_inverse_product(tf.cast(gramian, tf.float64) / tf.square(longest), unit.norms / longest)
    v = tf.where(independent, by_cosines / tf.maximum(tf.reduce_max(tf.abs(by_cosines)), 1e-300), by_gramian)
    total = tf.reduce_sum(v)
    usable = tf.abs(total) > 1e-10 * tf.reduce_sum(tf.abs(v))
    return tf.where(usable, v / tf.where(usable, total, tf.ones_like(total)), tf.zeros_like(v))
