"""Projection on the dual cone of the rows: the nearest vector that conflicts with none of them."""

import tensorflow as tf

from rl.updates.combiners.active_sets import ROUNDING, blocks, finite_or_infinite, solve_each, supports


def into_dual_cone(cosines: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Coefficients of the projections of Σ_j t_j û_j on {x: û_j·x ≥ 0 for all j}, û_j the unit rows.

    The projection is Σ_j (t_j + λ_j) û_j with λ ≥ 0, C (t + λ) ≥ 0 and λᵀ C (t + λ) = 0, which is min(λ, C (t + λ)) = 0
    row by row. Each set of rows that may have λ_j > 0 is solved; the one that meets the conditions best is taken. On
    unit rows no gap between the rows' lengths takes digits from the conditions. Two rows that are opposite but for an
    angle θ need λ ~ 1/θ, so that û_j·x ≥ 0 holds to 2⁻⁵²/θ: below θ ~ 10⁻⁷ a Gramian in float64 cannot tell better.

    Args:
        cosines: [k, k] float64, C.
        targets: [r, k] float64; a row is one vector to project.
    Returns: [r, k] float64, t + λ.
    """
    subsets = supports(cosines.shape[-1], with_empty=True)
    start = tf.linalg.matrix_transpose(targets)
    right = -(cosines @ start) * subsets[:, :, None]
    multipliers = solve_each(blocks(cosines, subsets), right)  # [s, k, r]
    products = tf.einsum("ij,sjr->sir", cosines, start + multipliers)
    # Where a set is nearly singular its multipliers are large, and cancel up to rounding: it has to lose.
    rounding = ROUNDING * (tf.reduce_sum(tf.abs(multipliers), 1, keepdims=True) + tf.reduce_sum(tf.abs(start), 0))
    faults = finite_or_infinite(tf.concat([tf.abs(tf.minimum(multipliers, products)), rounding], 1))
    best = tf.gather(tf.transpose(multipliers, (2, 0, 1)), tf.argmin(tf.reduce_max(faults, 1), 0), batch_dims=1)
    return targets + tf.maximum(best, 0.0)
