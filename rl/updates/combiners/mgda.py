"""MGDA: the multiple-gradient descent algorithm (Désidéri 2012; Sener & Koltun 2018, arXiv:1810.04650)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.active_sets import ROUNDING, blocks, least, require_few, solve_each, supports
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows


@settings
class MGDA(Combiner):
    """The shortest vector in the convex hull of the rows: min wᵀ G w over w ≥ 0, Σ w = 1.

    Two rows have a closed form, w_1 = clip((g_2 − g_1)·g_2/|g_1 − g_2|², 0, 1). Up to six are solved by looking at
    every subset of rows. A zero row is itself the shortest vector: no update.
    """

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError for more than six rows."""
        require_few("mgda", num_rows)
        return ()

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return mgda_weights(gramian), state


def mgda_weights(gramian: tf.Tensor) -> tf.Tensor:
    """[k, k] → [k] float64.

    The answer lies inside the hull of some affinely independent rows S, where it solves G_SS w = μ 1, Σ w = 1; this is
    done on unit rows, which keeps its digits at any scale gap. Each of the 2^k − 1 candidates is solved, put on the
    simplex and tried; the shortest wins. A singular candidate is not a number, or some other point of the hull: it
    cannot win by more than rounding, since a smaller subset has the same hull.
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
    """For each subset [s, k] the stationary point of uᵀ C u where border·u = 1, by the bordered system."""
    num_rows = cosines.shape[-1]
    edge = subsets * border
    last = tf.concat([edge, tf.zeros_like(edge[:, :1])], -1)
    matrix = tf.concat([tf.concat([blocks(cosines, subsets), edge[:, :, None]], -1), last[:, None, :]], 1)
    right = tf.one_hot(tf.fill([subsets.shape[0]], num_rows), num_rows + 1, dtype=tf.float64)
    return solve_each(matrix, right[:, :, None])[:, :num_rows, 0]


def _two_rows(gramian: tf.Tensor) -> tf.Tensor:
    distance = gramian[0, 0] + gramian[1, 1] - 2.0 * gramian[0, 1]
    apart = distance > 0
    first = tf.where(apart, (gramian[1, 1] - gramian[0, 1]) / tf.where(apart, distance, tf.ones_like(distance)), 0.5)
    first = tf.clip_by_value(first, 0.0, 1.0)
    return tf.stack([first, 1.0 - first])
