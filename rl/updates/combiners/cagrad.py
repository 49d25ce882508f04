"""CAGrad: conflict-averse gradient descent (Liu, Liu, Jin, Stone & Liu 2021, arXiv:2110.14048)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.settings import ShareBelowOne, settings
from rl.updates.combiners.active_sets import ROUNDING, blocks, require_few, solve_each, supports
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows

_ON_SPHERE = 1e-9  # relative to the squared radius: a candidate outside by at most this much counts as on the sphere
_ROUNDINGS = 16.0  # an upper bound on the rounding errors in a sum of products


@settings
class CAGrad(Combiner):
    """The vector near the mean row g_0 whose worst first-order improvement over all rows is largest.

    max_x min_i g_i·x  subject to  |x − g_0| ≤ c |g_0|    (eq. 1)

    The solution is x = g_0 + c |g_0| g_w/|g_w|, with g_w = Σ_i w_i g_i for the w on the simplex that minimises
    g_w·g_0 + c |g_0| |g_w|. With c = 0 it is the mean; for c far below 1 a row may still conflict with x. If
    g_w = 0 at the minimum, x is the vector nearest to the mean that conflicts with no row; if this is due to a zero
    row, the worst improvement cannot exceed 0, and the update is 0. The authors' code also divides by 1 + c²; this one
    does not.
    """

    c: ShareBelowOne
    """The radius of the ball around the mean, relative to the mean's norm; in [0, 1)."""

    def init(self, num_rows: int) -> tuple:
        """No state. Raises: ConfigError for more than six rows."""
        require_few("cagrad", num_rows)
        return ()

    def weights(self, gramian, losses, state, seed):
        """`cagrad_weights` of the Gramian; see `Combiner.weights`."""
        return cagrad_weights(gramian, c=self.c), state


def cagrad_weights(gramian: tf.Tensor, *, c: float) -> tf.Tensor:
    """The weights 1/k + d, where Σ_i d_i g_i = c |g_0| g_w/|g_w|.

    Let S be the rows with w > 0. On S the solution satisfies G d + b = μ 1 with b = G 1/k and dᵀ G d = c² |g_0|²: d is
    linear in μ, and μ the larger root of a quadratic. If 0 lies in the rows' convex hull, g_w may be 0 and define no
    direction; the solution is then the x nearest to the mean with g_i·x ≥ 0 for all i, for which μ = 0 and d ≥ 0 on
    some S. Both systems are solved for every S, on unit rows. Among the solutions within the radius and the mean, the
    one with the largest min_i g_i·x less its rounding error is taken: no solution of a singular system wins by a
    rounding error, and the result is never worse than the mean.

    Args:
        gramian: G, [k, k] float.
        c: in [0, 1).
    Returns: [k] float64.
    """
    num_rows = gramian.shape[-1]
    mean = tf.fill([num_rows], tf.constant(1.0 / num_rows, tf.float64))
    rows = _Rows.of(gramian)
    if c == 0.0:
        return _unless_vanishing(rows, tf.zeros_like(mean), mean)
    squared_radius = c**2 * tf.maximum(tf.reduce_sum(rows.norms * rows.slopes), 0.0) / num_rows
    candidates = _candidates(rows, squared_radius)
    # A gather, since a slice at a computed index makes XLA recompile for every Gramian.
    best = tf.gather(candidates, tf.argmax(_worst(rows, candidates)))
    return _unless_vanishing(rows, best, mean + best * rows.inverse)


class _Rows(NamedTuple):
    """The rows in units of the longest one; every entry that belongs to a zero row is 0."""

    norms: tf.Tensor
    """n, [k], at most 1."""
    inverse: tf.Tensor
    """1/n, [k]."""
    slopes: tf.Tensor
    """û_i·g_0, [k]."""
    cosines: tf.Tensor
    """C, [k, k]."""
    nonzero: tf.Tensor
    """[k] bool."""

    @classmethod
    def of(cls, gramian: tf.Tensor) -> "_Rows":
        """The rows of a Gramian [k, k]."""
        unit = unit_rows(gramian)
        norms = unit.norms / tf.maximum(tf.reduce_max(unit.norms), 1e-300)
        inverse = tf.where(unit.nonzero, 1.0 / tf.where(unit.nonzero, norms, 1.0), 0.0)
        nonzero = tf.cast(unit.nonzero, tf.float64)
        cosines = unit.cosines * nonzero[:, None] * nonzero[None, :]
        return cls(norms, inverse, tf.linalg.matvec(cosines, norms / gramian.shape[-1]), cosines, unit.nonzero)


def _candidates(rows: _Rows, squared_radius: tf.Tensor) -> tf.Tensor:
    """Candidates δ = d n ≥ 0 with |Σ_i δ_i û_i| at most the radius, [2 s + 1, k].

    The first is δ = 0, the mean itself; then for every subset S the solution of n_i (C δ)_i = μ − b_i at μ = 0, and
    that at the μ for which |Σ_i δ_i û_i| is the radius. A subset without such a solution has δ = 0.
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
    """The candidates [s, k], and the factors [s, 1] ≤ 1 that shorten them to the radius.

    A candidate is replaced by 0 if a δ_i is negative or NaN, or if its length is lost in rounding.
    """
    hidden = ROUNDING * tf.square(
        tf.reduce_sum(tf.abs(delta), -1)
    )  # the rounding error of the squared length if terms cancel
    usable = (hidden < squared_radius) & tf.reduce_all(delta >= 0, -1)  # false where infinite or NaN
    delta, hidden = tf.where(usable[:, None], delta, 0.0), tf.where(usable, hidden, 0.0)
    square = tf.einsum("si,ij,sj->s", delta, rows.cosines, delta) + hidden
    outside = square > (1.0 + _ON_SPHERE) * squared_radius
    shrink = tf.where(outside, tf.sqrt(squared_radius / tf.where(outside, square, 1.0)), 1.0)
    return delta, shrink[:, None]


def _worst(rows: _Rows, delta: tf.Tensor, *, sign: float = -1.0) -> tf.Tensor:
    """min_i g_i·x over the rows that are not zero, minus a bound on its rounding error (plus with sign 1).

    Args: delta: δ, [..., k], with x = g_0 + Σ_i δ_i û_i.
    Returns: [...].
    """
    rounding = _ROUNDINGS * ROUNDING * (tf.reduce_sum(delta, -1) + tf.reduce_mean(rows.norms))
    progress = rows.slopes + tf.linalg.matvec(rows.cosines, delta) + sign * rounding[..., None]
    return tf.reduce_min(tf.where(rows.nonzero, rows.norms * progress, np.inf), -1)


def _unless_vanishing(rows: _Rows, delta: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The weights, or 0 if a row is zero and no other row conflicts with x: w then selects that row, and g_w = 0."""
    vanishes = ~tf.reduce_all(rows.nonzero) & (_worst(rows, delta, sign=1.0) >= 0)
    return tf.where(vanishes, tf.zeros_like(weights), weights)
