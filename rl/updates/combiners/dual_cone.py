"""Projection onto the dual cone of the rows, {x: û_j·x ≥ 0 for all j}: the vectors that conflict with no row."""

import tensorflow as tf

from rl.updates.combiners.active_sets import ROUNDING, blocks, finite_or_infinite, solve_each, supports


def into_dual_cone(cosines: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Projects vectors Σ_j t_j û_j onto the dual cone; the results are coefficients of the unit rows û_j.

    The projection is Σ_j (t_j + λ_j) û_j with the KKT conditions λ ≥ 0, C (t + λ) ≥ 0 and λᵀ C (t + λ) = 0, or
    min(λ, C (t + λ)) = 0 row by row. The system is solved for every set of rows with λ_j > 0, and the solution that
    violates the conditions least is taken. On unit rows, ratios between the rows' norms cost no precision. For two rows
    that are opposite up to an angle θ, λ is of order 1/θ, and û_j·x ≥ 0 holds to 2⁻⁵²/θ: below θ ~ 10⁻⁷ a float64
    Gramian has no digits left.

    Args:
        cosines: [k, k] float64, C.
        targets: [r, k] float64; each row has the coefficients t of one vector to project.
    Returns: [r, k] float64, t + λ.
    """
    subsets = supports(cosines.shape[-1], with_empty=True)
    start = tf.linalg.matrix_transpose(targets)
    right = -(cosines @ start) * subsets[:, :, None]
    multipliers = solve_each(blocks(cosines, subsets), right)  # [s, k, r]
    products = tf.einsum("ij,sjr->sir", cosines, start + multipliers)
    # The multipliers of a nearly singular set are large and cancel: their rounding error counts as a violation.
    rounding = ROUNDING * (tf.reduce_sum(tf.abs(multipliers), 1, keepdims=True) + tf.reduce_sum(tf.abs(start), 0))
    faults = finite_or_infinite(tf.concat([tf.abs(tf.minimum(multipliers, products)), rounding], 1))
    best = tf.gather(tf.transpose(multipliers, (2, 0, 1)), tf.argmin(tf.reduce_max(faults, 1), 0), batch_dims=1)
    return targets + tf.maximum(best, 0.0)
