"""UPGrad: unconflicting projection of gradients (Quinton & Rey 2024, arXiv:2406.16232)."""

from collections.abc import Sequence

import tensorflow as tf

from rl.settings import PositiveNumber, settings
from rl.updates.combiners.active_sets import require_few
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows
from rl.updates.combiners.dual_cone import into_dual_cone
from rl.updates.combiners.pcgrad import pcgrad_weights
from rl.updates.combiners.preference import normalized, require_preference


@settings
class UPGrad(Combiner):
    """Each row is projected on the cone of what conflicts with no row; the update is the mean of the projections.

    No row's loss rises, to first order, and where nothing conflicts it is the mean. For two rows it is half of PCGrad's
    update. Exact to rounding at every gap between the rows' lengths, up to six rows.
    """

    preference: Sequence[PositiveNumber] | None

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError for more than six rows, or a preference that does not fit."""
        require_few("upgrad", num_rows)
        require_preference(self.preference, num_rows)
        return ()

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return upgrad_weights(gramian, self.preference), state


def upgrad_weights(gramian: tf.Tensor, preference: Sequence[float] | None = None) -> tf.Tensor:
    """[k, k] → [k] float64; preference: how much each row's projection counts, as a share of their sum."""
    num_rows = gramian.shape[-1]
    shares = normalized(preference, num_rows)
    if num_rows == 2 and preference is None:
        return 0.5 * pcgrad_weights(gramian, tf.zeros((2, 2), tf.int32))  # two rows meet in one order alone
    unit = unit_rows(gramian)
    projections = into_dual_cone(unit.cosines, tf.eye(num_rows, dtype=tf.float64))
    coefficients = tf.linalg.matvec(projections, shares * unit.norms, transpose_a=True)
    return tf.where(unit.nonzero, coefficients / tf.where(unit.nonzero, unit.norms, 1.0), shares)
