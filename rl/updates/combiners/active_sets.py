"""Small problems with inequality constraints, solved exactly by trying every set of active constraints.

With k rows there are 2^k sets, solved in one batch of size s. All arrays are float64.
"""

import itertools

import numpy as np
import tensorflow as tf

from rl.errors import require

MAX_ROWS = 6
"""Largest k for which all sets are tried."""
ROUNDING = 2.0**-52
"""The rounding error of a float64 sum, relative to its largest term."""


def require_few(name: str, num_rows: int) -> None:
    """Checks that the 2^k sets of k rows are few enough to try.

    Raises: ConfigError for more than six rows.
    """
    require(
        num_rows <= MAX_ROWS,
        f"combiner {name} takes at most {MAX_ROWS} rows, but there are {num_rows} groups of objectives: merge some of "
        "them (agent.groups, auxiliary.<name>.group).",
    )


def supports(num_rows: int, *, with_empty: bool) -> tf.Tensor:
    """All subsets of k rows as indicator vectors, [s, k] float64, with s = 2^k, or 2^k − 1 without the empty set."""
    subsets = [s for s in itertools.product((0.0, 1.0), repeat=num_rows) if with_empty or any(s)]
    return tf.constant(np.array(subsets))


def blocks(matrix: tf.Tensor, subsets: tf.Tensor) -> tf.Tensor:
    """The matrix restricted to each subset, with the identity on the other rows, so that all systems have size k.

    Args: matrix: [k, k]; subsets: [s, k], indicators.
    Returns: [s, k, k].
    """
    return matrix * subsets[:, :, None] * subsets[:, None, :] + tf.linalg.diag(1.0 - subsets)


def solve_each(matrices: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """M⁻¹ R for every matrix of a batch, by Gauss-Jordan elimination with row pivots.

    A singular M yields NaN or infinite entries only in its own solution. `tf.linalg.solve` raises outside XLA if any
    matrix of the batch is singular, and returns finite numbers inside XLA.

    Args: matrices: M, [s, n, n]; right: R, [s, n, r].
    Returns: [s, n, r].
    """
    size = matrices.shape[1]
    augmented = tf.concat([matrices, right], -1)
    for column in range(size):
        eligible = tf.where(
            tf.range(size) >= column, tf.abs(augmented[:, :, column]), -tf.ones_like(augmented[:, :, column])
        )
        pivot = tf.one_hot(tf.argmax(eligible, -1), size, dtype=tf.float64)
        here = tf.one_hot(column, size, dtype=tf.float64)[None]
        pivot_row = tf.einsum("sn,snm->sm", pivot, augmented)
        this_row = augmented[:, column]
        augmented += (pivot - here)[:, :, None] * (this_row - pivot_row)[:, None, :]  # swaps the two rows
        augmented = tf.concat([augmented[:, :column], pivot_row[:, None], augmented[:, column + 1 :]], 1)
        unit = pivot_row / pivot_row[:, column, None]
        factors = augmented[:, :, column] * (1.0 - here)
        augmented = augmented - factors[:, :, None] * unit[:, None, :]
        augmented = tf.concat([augmented[:, :column], unit[:, None], augmented[:, column + 1 :]], 1)
    return augmented[:, :, size:]


def least(faults: tf.Tensor, rounding: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
    """The candidate with the smallest fault, the first of several that differ only by rounding.

    Args:
        faults: [s], how far each candidate is from a solution, or the objective that it should minimise.
        rounding: [s], the rounding error of each fault. A smaller fault is raised to it, so that no candidate wins by
            a rounding error, and one whose large terms cancel loses.
        candidates: [s, k].
    Returns: [k]; a candidate whose fault is NaN is never chosen if another is finite.
    """
    # A gather, since a slice at a computed index makes XLA recompile for every Gramian.
    return tf.gather(candidates, tf.argmin(finite_or_infinite(tf.maximum(faults, rounding))))


def finite_or_infinite(x: tf.Tensor) -> tf.Tensor:
    """x with NaN and ±∞ replaced by +∞: in XLA a maximum or minimum may pass over a NaN."""
    return tf.where(tf.math.is_finite(x), x, tf.constant(np.inf, x.dtype))
