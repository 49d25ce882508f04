"""MGDA: the multiple-gradient descent algorithm (Désidéri 2012; Sener & Koltun 2018, arXiv:1810.04650)."""

import itertools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rl.errors import require
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows

MAX_ROWS = 6


@dataclass(frozen=True, kw_only=True)
class MGDA(Combiner):
    """The shortest vector in the convex hull of the rows: min wᵀ G w over w ≥ 0, Σ w = 1.

    Two rows have a closed form, w_1 = clip((g_2 − g_1)·g_2/|g_1 − g_2|², 0, 1). Up to six are solved by looking at
    every subset of rows. A zero row is itself the shortest vector: no update.
    """

    def init(self, num_rows: int) -> tuple:
        """Nothing to remember; ConfigError for more than six rows."""
        require(num_rows <= MAX_ROWS, f"combiner mgda takes at most {MAX_ROWS} rows, but agent.groups has {num_rows}.")
        return ()

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return mgda_weights(gramian), state


def mgda_weights(gramian: tf.Tensor) -> tf.Tensor:
    """[k, k] → [k] float64.

    The answer lies inside the hull of some affinely independent rows S, where it solves G_SS w = μ 1, Σ w = 1; this is
    done on unit rows, which keeps its digits at any scale gap. Each of
    the 2^k − 1 candidates is solved, put on the simplex and tried; the shortest wins. A singular candidate is not a
    number and loses, since a smaller subset has the same hull.
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
    supports = np.array([s for s in itertools.product((0.0, 1.0), repeat=num_rows) if any(s)])
    candidates = (
        tf.where(supports > 0, _inside(cosines, border, tf.constant(supports)), tf.zeros((), tf.float64)) * border
    )
    finite = tf.reduce_all(tf.math.is_finite(candidates), -1)
    candidates = tf.maximum(tf.where(finite[:, None], candidates, tf.ones_like(candidates)), 0.0)
    candidates /= tf.maximum(tf.reduce_sum(candidates, -1, keepdims=True), 1e-300)
    lengths = candidates * unit.norms / tf.maximum(tf.reduce_max(unit.norms), 1e-300)
    squares = tf.einsum("si,ij,sj->s", lengths, cosines, lengths)
    # A gather, since a slice at a computed place makes XLA compile anew for every Gramian.
    return tf.gather(candidates, tf.argmin(squares))


def _inside(cosines: tf.Tensor, border: tf.Tensor, supports: tf.Tensor) -> tf.Tensor:
    """For each support [s, k] the stationary point of uᵀ C u where border·u = 1, by the bordered system."""
    num_rows = cosines.shape[-1]
    free = supports[:, :, None] * supports[:, None, :]
    block = cosines * free + tf.linalg.diag(1.0 - supports)
    edge = supports * border
    last = tf.concat([edge, tf.zeros_like(edge[:, :1])], -1)
    matrix = tf.concat([tf.concat([block, edge[:, :, None]], -1), last[:, None, :]], 1)
    right = tf.one_hot(tf.fill([supports.shape[0]], num_rows), num_rows + 1, dtype=tf.float64)
    return _eliminate(tf.concat([matrix, right[:, :, None]], -1))[:, :num_rows]


def _eliminate(augmented: tf.Tensor) -> tf.Tensor:
    """Gauss-Jordan elimination with row pivots of a batch [s, n, n + 1]; NaN or infinite where singular.

    `tf.linalg.solve` will not do: it raises outside XLA where one of the batch is singular, and answers inside it.
    """
    size = augmented.shape[1]
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
    return augmented[:, :, -1]


def _two_rows(gramian: tf.Tensor) -> tf.Tensor:
    distance = gramian[0, 0] + gramian[1, 1] - 2.0 * gramian[0, 1]
    apart = distance > 0
    first = tf.where(apart, (gramian[1, 1] - gramian[0, 1]) / tf.where(apart, distance, tf.ones_like(distance)), 0.5)
    first = tf.clip_by_value(first, 0.0, 1.0)
    return tf.stack([first, 1.0 - first])
