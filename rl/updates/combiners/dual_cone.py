"""Projection on the dual cone of the rows: the nearest vector that conflicts with none of them."""

import tensorflow as tf

from rl.updates.combiners.active_sets import blocks, finite_or_infinite, solve_each, supports


def into_dual_cone(cosines: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Coefficients of the projections of Σ_j t_j û_j on {x: û_j·x ≥ 0 for all j}, û_j the unit rows.

    The projection is Σ_j (t_j + λ_j) û_j with λ ≥ 0, C (t + λ) ≥ 0 and λᵀ C (t + λ) = 0. Each set of rows that may have
    λ_j > 0 is solved; the one that meets the three conditions best is taken. On unit rows no gap between the rows'
    lengths takes digits from the conditions.

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
    faults = finite_or_infinite(tf.concat([-multipliers, -products, tf.abs(multipliers * products)], 1))
    best = tf.gather(tf.transpose(multipliers, (2, 0, 1)), tf.argmin(tf.reduce_max(faults, 1), 0), batch_dims=1)
    return targets + tf.maximum(best, 0.0)
