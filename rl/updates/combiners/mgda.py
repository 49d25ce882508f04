"""MGDA: the multiple-gradient descent algorithm (Désidéri 2012; Sener & Koltun 2018, arXiv:1810.04650)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.active_sets import ROUNDING, blocks, least, require_few, solve_each, supports
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows


@settings
class MGDA(Combiner):
    """The shortest vector in the convex hull of the rows.

    w = argmin wᵀ G w  subject to  w ≥ 0, Σ_i w_i = 1

    For two rows w_1 = clip((g_2 − g_1)·g_2/|g_1 − g_2|², 0, 1). For three to six rows every subset is tried. A zero
    row is itself the shortest vector: the update is 0.
    """

    def init(self, num_rows: int) -> tuple:
        """No state. Raises: ConfigError for more than six rows."""
        require_few("mgda", num_rows)
        return ()

    def weights(self, gramian, losses, state, seed):
        """`mgda_weights` of the Gramian; see `Combiner.weights`."""
        return mgda_weights(gramian), state


def mgda_weights(gramian: tf.Tensor) -> tf.Tensor:
    """The minimiser of wᵀ G w on the simplex.

    It lies inside the hull of some affinely independent rows S, where it solves G_SS w = μ 1, Σ_i w_i = 1. The system
    is solved on unit rows, where no ratio of norms costs precision, for each of the 2^k − 1 subsets. Negative weights
    of a solution are set to 0, the weights are divided by their sum, and the shortest vector wins. A singular system
    yields NaN or another point of the hull: it cannot win by more than rounding, since a smaller subset has the same
    hull.

    Args: gramian: G, [k, k] float.
    Returns: [k] float64, in [0, 1], summing to 1.
    """
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    if num_rows == 1:
        return tf.ones(1, tf.float64)
    if num_rows == 2:
        return _two_rows(gramian)
    unit = unit_rows(gramian)
    # In terms of u = w n / min(n) the quadratic form is the cosine matrix, and Σ w = 1 reads border·u = 1.
    smallest = tf.reduce_min(tf.where(unit.nonzero, unit.norms, tf.reduce_max(unit.norms)))
    border = tf.where(unit.nonzero, smallest / tf.where(unit.nonzero, unit.norms, 1.0), 1.0)
    cosines = tf.where(unit.nonzero[:, None] & unit.nonzero[None, :], unit.cosines, 0.0)
    subsets = supports(num_rows, with_empty=False)
    candidates = tf.where(subsets > 0, _inside(cosines, border, subsets), tf.zeros((), tf.float64)) * border
    finite = tf.reduce_all(tf.math.is_finite(candidates), -1)
    candidates = tf.maximum(tf.where(finite[:, None], candidates, tf.ones_like(candidates)), 0.0)
    candidates /= tf.maximum(tf.reduce_sum(candidates, -1, keepdims=True), 1e-300)
    lengths = candidates * unit.norms / tf.maximum(tf.reduce_max(unit.norms), 1e-300)
    squares = tf.einsum("si,ij,sj->s", lengths, cosines, lengths)
    return least(squares, num_rows * ROUNDING * tf.square(tf.reduce_sum(lengths, -1)), candidates)


def _inside(cosines: tf.Tensor, border: tf.Tensor, subsets: tf.Tensor) -> tf.Tensor:
    """The stationary point of uᵀ C u subject to border·u = 1 on each subset, by the bordered (KKT) system.

    Args: cosines: C, [k, k]; border: [k]; subsets: [s, k], indicators.
    Returns: [s, k], 0 outside the subset.
    """
    num_rows = cosines.shape[-1]
    edge = subsets * border
    last = tf.concat([edge, tf.zeros_like(edge[:, :1])], -1)
    matrix = tf.concat([tf.concat([blocks(cosines, subsets), edge[:, :, None]], -1), last[:, None, :]], 1)
    right = tf.one_hot(tf.fill([subsets.shape[0]], num_rows), num_rows + 1, dtype=tf.float64)
    return solve_each(matrix, right[:, :, None])[:, :num_rows, 0]


def _two_rows(gramian: tf.Tensor) -> tf.Tensor:
    """The closed form for two rows, [2]; ½ each if they are equal."""
    distance = gramian[0, 0] + gramian[1, 1] - 2.0 * gramian[0, 1]
    apart = distance > 0
    first = tf.where(apart, (gramian[1, 1] - gramian[0, 1]) / tf.where(apart, distance, tf.ones_like(distance)), 0.5)
    first = tf.clip_by_value(first, 0.0, 1.0)
    return tf.stack([first, 1.0 - first])
