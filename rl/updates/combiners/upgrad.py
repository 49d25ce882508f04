"""UPGrad: unconflicting projection of gradients (Quinton & Rey 2024, arXiv:2406.16232)."""

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.cosine_matrix import unit_rows
from rl.updates.combiners.dual_cone import into_dual_cone
from rl.updates.combiners.pcgrad import pcgrad_weights
from rl.updates.combiners.preference import PreferenceCombiner, normalized


@settings
class UPGrad(PreferenceCombiner):
    """Projects each row onto the dual cone of the rows, and takes the (weighted) mean of the projections.

    x = Σ_i p_i P(g_i),  P(v) = argmin |y − v|²  subject to  g_j·y ≥ 0 for all j

    To first order no row's loss rises; if no rows conflict, x is the mean. For two rows it is half of PCGrad's
    update. Exact to rounding for every ratio between the rows' norms, up to six rows.
    """

    option: ClassVar[str] = "upgrad"

    def weights(self, gramian, losses, state, seed):
        """`upgrad_weights` of the Gramian; see `Combiner.weights`."""
        return upgrad_weights(gramian, self.preference), state


def upgrad_weights(gramian: tf.Tensor, preference: Sequence[float] | None = None) -> tf.Tensor:
    """The coefficients of Σ_i p_i P(g_i) on the rows.

    Args:
        gramian: G, [k, k] float.
        preference: p, one number per row, normalised by their sum; None for 1/k each.
    Returns: [k] float64; a zero row keeps its p_i.
    """
    num_rows = gramian.shape[-1]
    shares = normalized(preference, num_rows)
    if num_rows == 2 and preference is None:
        return 0.5 * pcgrad_weights(gramian, tf.zeros((2, 2), tf.int32))  # the order is not read for two rows
    unit = unit_rows(gramian)
    projections = into_dual_cone(unit.cosines, tf.eye(num_rows, dtype=tf.float64))
    coefficients = tf.linalg.matvec(projections, shares * unit.norms, transpose_a=True)
    return tf.where(unit.nonzero, coefficients / tf.where(unit.nonzero, unit.norms, 1.0), shares)
