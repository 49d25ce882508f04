"""Tiny problems with inequality constraints, solved exactly: every set of active constraints is tried, all at once."""

import itertools

import numpy as np
import tensorflow as tf

from rl.errors import require

MAX_ROWS = 6
ROUNDING = 2.0**-52
"""Of float64, relative to the largest of the numbers that are added up."""


def require_few(name: str, num_rows: int) -> None:
    """ConfigError for more rows than can be tried, 2^k sets for k rows."""
    require(num_rows <= MAX_ROWS, f"combiner {name} takes at most {MAX_ROWS} rows, but agent.groups has {num_rows}.")


def supports(num_rows: int, *, with_empty: bool) -> tf.Tensor:
    """All subsets of the rows as zeros and ones, [s, k] float64."""
    subsets = [s for s in itertools.product((0.0, 1.0), repeat=num_rows) if with_empty or any(s)]
    return tf.constant(np.array(subsets))


def blocks(matrix: tf.Tensor, subsets: tf.Tensor) -> tf.Tensor:
    """The matrix [k, k] on each subset and the identity beside it, [s, k, k]."""
    return matrix * subsets[:, :, None] * subsets[:, None, :] + tf.linalg.diag(1.0 - subsets)


def solve_each(matrices: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """M⁻¹ R of a batch, [s, n, n] and [s, n, r] → [s, n, r]; NaN or infinite where M is singular.

    Gauss-Jordan elimination with row pivots. `tf.linalg.solve` will not do: it raises outside XLA where one of the
    batch is singular, and answers inside it.
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
    """The candidate [k] of [s, k] with the least fault [s]; the first of several that cannot be told apart.

    rounding: [s], what a candidate's fault may be off by, to which it is raised: large numbers that cancel count as a
    fault of their own, and none wins by a rounding error, not even a negative one. A fault that is not a number loses.
    """
    # A gather, since a slice at a computed place makes XLA compile anew for every Gramian.
    return tf.gather(candidates, tf.argmin(finite_or_infinite(tf.maximum(faults, rounding))))


def finite_or_infinite(x: tf.Tensor) -> tf.Tensor:
    """Infinity for what is not a number, which a maximum might pass over (XLA's does)."""
    return tf.where(tf.math.is_finite(x), x, tf.constant(np.inf, x.dtype))
