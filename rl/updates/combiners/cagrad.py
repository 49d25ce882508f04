"""CAGrad: conflict-averse gradient descent (Liu, Liu, Jin, Stone & Liu 2021, arXiv:2110.14048)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.settings import ShareBelowOne, settings
from rl.updates.combiners.active_sets import ROUNDING, blocks, require_few, solve_each, supports
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows

_CLOSE = 1e-9  # of the radius squared: nearer than that is on the sphere
_CAUTION = 16.0  # roundings that a sum of products is trusted to stay within


@settings
class CAGrad(Combiner):
    """The vector x within c |g_0| of the mean g_0 that helps the worst-off row most: max min_i g_i·x (eq. 1).

    It is g_0 + c |g_0| g_w/|g_w| for the w on the simplex with the least g_w·g_0 + c |g_0| |g_w|. With c = 0 it is the
    mean; a row may still lose where c is far below 1. Where g_w = 0 is the least, x is the vector nearest to the mean
    that harms no row. Where a zero row is the worst off, nothing helps it, and the update is 0. The authors' code
    divides by 1 + c² in addition; this does not.
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
    and μ the larger root of a quadratic. Where 0 lies in the rows' hull and no x helps all of them, w may leave no
    direction, |g_w| = 0, and what is left of the rule is an x within its radius that harms none: the one nearest to the
    mean, which has μ = 0 and d ≥ 0 on some S. Every S is solved, on unit rows, for both; of the answers within the
    radius, and of the mean itself, the one is taken whose worst row fares best, less what rounding may have added. So
    what dependent rows make of a singular S cannot win by a rounding error, and nothing is worse than the mean.
    """
    num_rows = gramian.shape[-1]
    mean = tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64))
    rows = _Rows.of(gramian)
    if c == 0.0:
        return _unless_vanishing(rows, tf.zeros_like(mean), mean)
    squared_radius = c**2 * tf.maximum(tf.reduce_sum(rows.norms * rows.slopes), 0.0) / num_rows
    candidates = _candidates(rows, squared_radius)
    # A gather, since a slice at a computed place makes XLA compile anew for every Gramian.
    best = tf.gather(candidates, tf.argmax(_worst(rows, candidates)))
    return _unless_vanishing(rows, best, mean + best * rows.inverse)


class _Rows(NamedTuple):
    """The rows in units of the longest: norms n, 1/n, û_i·g_0 and cosines, with 0 for a zero row, and which are not
    zero.
    """

    norms: tf.Tensor
    inverse: tf.Tensor
    slopes: tf.Tensor
    cosines: tf.Tensor
    nonzero: tf.Tensor

    @classmethod
    def of(cls, gramian: tf.Tensor) -> "_Rows":
        unit = unit_rows(gramian)
        norms = unit.norms / tf.maximum(tf.reduce_max(unit.norms), 1e-300)
        inverse = tf.where(unit.nonzero, 1.0 / tf.where(unit.nonzero, norms, 1.0), 0.0)
        nonzero = tf.cast(unit.nonzero, tf.float64)
        cosines = unit.cosines * nonzero[:, None] * nonzero[None, :]
        return cls(norms, inverse, tf.linalg.matvec(cosines, norms / gramian.shape[-1]), cosines, unit.nonzero)


def _candidates(rows: _Rows, squared_radius: tf.Tensor) -> tf.Tensor:
    """δ = d n ≥ 0 [2 s + 1, k] with |Σ_i δ_i û_i| at most the radius: none; those of S with n_i (C δ)_i = μ − b_i, for
    μ = 0 and for the μ at which they reach the radius. 0 in the place of one that there is not.
    """
    subsets = supports(rows.norms.shape[0], with_empty=False) * tf.cast(rows.nonzero, tf.float64)
    right = tf.stack([rows.inverse, rows.slopes], -1) * subsets[:, :, None]
    p, q = tf.unstack(solve_each(blocks(rows.cosines, subsets), right), axis=-1)
    a, b = tf.reduce_sum(p * rows.inverse, -1), tf.reduce_sum(q * rows.inverse, -1)  # 1ᵀ G⁻¹ 1 and 1ᵀ G⁻¹ b on S
    discriminant = tf.square(b) - a * (tf.reduce_sum(q * rows.slopes, -1) - squared_radius)
    mu = (b + tf.sqrt(discriminant)) / a
    harmless, beyond = _within(rows, -q, squared_radius)
    best, shrink = _within(rows, mu[:, None] * p - q, squared_radius)
    return tf.concat([tf.zeros_like(q[:1]), tf.where(beyond < 1, tf.zeros_like(q), harmless), best * shrink], 0)


def _within(rows: _Rows, delta: tf.Tensor, squared_radius: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The candidates [s, k], 0 where a δ_i is negative or rounding hides the length; what brings them into the ball."""
    hidden = ROUNDING * tf.square(tf.reduce_sum(tf.abs(delta), -1))  # of the length's square, where terms cancel
    usable = (hidden < squared_radius) & tf.reduce_all(delta >= 0, -1)  # not where infinite, or not a number
    delta, hidden = tf.where(usable[:, None], delta, 0.0), tf.where(usable, hidden, 0.0)
    square = tf.einsum("si,ij,sj->s", delta, rows.cosines, delta) + hidden
    outside = square > (1.0 + _CLOSE) * squared_radius
    shrink = tf.where(outside, tf.sqrt(squared_radius / tf.where(outside, square, 1.0)), 1.0)
    return delta, shrink[:, None]


def _worst(rows: _Rows, delta: tf.Tensor, *, sign: float = -1.0) -> tf.Tensor:
    """min_i g_i·x over the rows that are not zero, for δ [..., k], less what rounding may have added (sign 1: plus)."""
    rounding = _CAUTION * ROUNDING * (tf.reduce_sum(delta, -1) + tf.reduce_mean(rows.norms))
    progress = rows.slopes + tf.linalg.matvec(rows.cosines, delta) + sign * rounding[..., None]
    return tf.reduce_min(tf.where(rows.nonzero, rows.norms * progress, np.inf), -1)


def _unless_vanishing(rows: _Rows, delta: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """0 where a zero row is the best that w can choose, g_w = 0: nothing helps that row."""
    vanishes = ~tf.reduce_all(rows.nonzero) & (_worst(rows, delta, sign=1.0) >= 0)
    return tf.where(vanishes, tf.zeros_like(weights), weights)
