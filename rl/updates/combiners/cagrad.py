"""CAGrad: conflict-averse gradient descent (Liu, Liu, Jin, Stone & Liu 2021, arXiv:2110.14048)."""

import tensorflow as tf

from rl.settings import ShareBelowOne, settings
from rl.updates.combiners.active_sets import blocks, least, require_few, solve_each, supports
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows


@settings
class CAGrad(Combiner):
    """The vector x within c |g_0| of the mean g_0 that helps the worst-off row most: max min_i g_i·x (eq. 1).

    It is g_0 + c |g_0| g_w/|g_w| for the w on the simplex with the least g_w·g_0 + c |g_0| |g_w|. With c = 0 it is the
    mean; a row may still lose where c is far below 1. Where a zero row is the worst off, nothing helps it, and the
    update is 0. The authors' code divides by 1 + c² in addition; this does not.
    """

    c: ShareBelowOne

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError for more than six rows."""
        require_few("cagrad", num_rows)
        return ()

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return cagrad_weights(gramian, c=self.c), state


def cagrad_weights(gramian: tf.Tensor, *, c: float) -> tf.Tensor:
    """[k, k] → [k] float64: 1/k + d, where Σ_i d_i g_i = c |g_0| g_w/|g_w|.

    On the rows S with w > 0 the least is where b + G d = μ 1 with b = G 1/k and dᵀ G d = c² |g_0|²: d is linear in μ,
    and μ the larger root of a quadratic. Each S is solved, on unit rows; the one that meets d ≥ 0, and b + G d ≥ μ
    beside S, is the answer. For c < 1 it exists and |g_w| > 0, unless g_0 = 0.
    """
    num_rows = gramian.shape[-1]
    mean = tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64))
    unit = unit_rows(gramian)
    nonzero = tf.cast(unit.nonzero, tf.float64)
    longest = tf.maximum(tf.reduce_max(unit.norms), 1e-300)
    norms = unit.norms / longest
    cosines = unit.cosines * nonzero[:, None] * nonzero[None, :]
    slopes = tf.linalg.matvec(cosines, norms / num_rows)  # b/n
    if c == 0.0:
        return _unless_vanishing(unit.nonzero, tf.reduce_min(norms * slopes), mean)
    # In terms of δ = d n: n_i (C δ)_i = μ − b_i.
    inverse = tf.where(unit.nonzero, 1.0 / tf.where(unit.nonzero, norms, 1.0), 0.0)
    squared_radius = c**2 * tf.reduce_sum(norms * slopes) / num_rows
    subsets = supports(num_rows, with_empty=False) * nonzero
    right = tf.stack([inverse, slopes], -1) * subsets[:, :, None]
    p, q = tf.unstack(solve_each(blocks(unit.cosines, subsets), right), axis=-1)
    a, b = tf.reduce_sum(p * inverse, -1), tf.reduce_sum(q * inverse, -1)  # 1ᵀ G⁻¹ 1 and 1ᵀ G⁻¹ b on S
    discriminant = tf.square(b) - a * (tf.reduce_sum(q * slopes, -1) - squared_radius)
    mu = (b + tf.sqrt(discriminant)) / a
    delta = mu[:, None] * p - q
    slack = slopes + tf.linalg.matvec(cosines, delta) - mu[:, None] * inverse  # 0 on S; ≥ 0 beside it at the answer
    faults = tf.where(unit.nonzero, tf.stack([-delta, -slack], 1), 0.0)
    faults = tf.reshape(faults, (-1, 2 * num_rows))
    *best, least_value = tf.unstack(least(faults, tf.concat([delta, mu[:, None]], -1)))
    best = tf.stack(best)
    usable = (squared_radius > 0) & tf.math.is_finite(least_value)
    helped = mean + tf.where(usable & unit.nonzero, tf.maximum(best, 0.0) * inverse, 0.0)
    return _unless_vanishing(unit.nonzero, least_value, helped)


def _unless_vanishing(nonzero: tf.Tensor, least_value: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """0 where a zero row is the best that w can choose, g_w = 0: nothing helps that row."""
    vanishes = ~tf.reduce_all(nonzero) & (least_value >= 0)
    return tf.where(vanishes, tf.zeros_like(weights), weights)
