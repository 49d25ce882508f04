"""DualProj: the mean row, projected so that it conflicts with no row.

Lopez-Paz & Ranzato 2017, "Gradient episodic memory for continual learning", arXiv:1706.08840, section 3, applied to
several rows at once.
"""

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.cosine_matrix import unit_rows
from rl.updates.combiners.dual_cone import into_dual_cone
from rl.updates.combiners.preference import PreferenceCombiner, normalized


@settings
class DualProj(PreferenceCombiner):
    """The vector nearest to the (weighted) mean of the rows that conflicts with none of them.

    x = argmin |x − Σ_i p_i g_i|²  subject to  g_j·x ≥ 0 for all j

    It is the mean itself if the mean conflicts with no row, even if rows conflict with one another. Exact to rounding
    for every ratio between the rows' norms, up to six rows.
    """

    option: ClassVar[str] = "dual_proj"

    def weights(self, gramian, losses, state, seed):
        """`dual_proj_weights` of the Gramian; see `Combiner.weights`."""
        return dual_proj_weights(gramian, self.preference), state


def dual_proj_weights(gramian: tf.Tensor, preference: Sequence[float] | None = None) -> tf.Tensor:
    """The projection's coefficients on the rows, p + λ with λ ≥ 0.

    Args:
        gramian: G, [k, k] float.
        preference: p, one number per row, normalised by their sum; None for 1/k each.
    Returns: [k] float64; a zero row keeps its p_i.
    """
    shares = normalized(preference, gramian.shape[-1])
    unit = unit_rows(gramian)
    longest = tf.maximum(tf.reduce_max(unit.norms), 1e-300)
    (coefficients,) = tf.unstack(into_dual_cone(unit.cosines, (shares * unit.norms / longest)[None]))
    return tf.where(unit.nonzero, coefficients * longest / tf.where(unit.nonzero, unit.norms, 1.0), shares)
