"""PCGrad: projecting conflicting gradients (Yu et al. 2020, arXiv:2001.06782)."""

import tensorflow as tf

from rl.randomness import uniforms
from rl.settings import settings
from rl.updates.combiners.combiner import Combiner


@settings
class PCGrad(Combiner):
    """Removes from every row its components along the rows that it conflicts with, and sums the results.

    Algorithm 1: for each i, v = g_i; for j ≠ i in random order: if v·g_j < 0, v ← v − (v·g_j / |g_j|²) g_j. The update
    is the sum of all v.

    For two rows the order does not matter: w_i = 1 − min(0, g_1·g_2)/|g_i|², and the update conflicts with neither row.
    With more rows it may still conflict with one.
    """

    def is_random(self, num_rows):
        """The order matters for more than two rows; see `Combiner.is_random`."""
        return num_rows > 2

    def weights(self, gramian, losses, state, seed):
        """`pcgrad_weights` with orders drawn from the seed, one permutation a row; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        orders = tf.argsort(uniforms(seed, (num_rows, num_rows)), axis=-1)
        return pcgrad_weights(gramian, orders), state


def pcgrad_weights(gramian: tf.Tensor, orders: tf.Tensor) -> tf.Tensor:
    """The weights for given orders.

    Args:
        gramian: G, [k, k] float.
        orders: [k, k] int; row i is a permutation of 0 … k − 1, the order in which row i is compared with the others
            (its own index is skipped). It is ignored for two rows.
    Returns: [k] float64; nothing is projected onto a zero row.
    """
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    if num_rows == 2:
        return _two_rows(gramian)
    squares = tf.linalg.diag_part(gramian)
    itself = tf.range(num_rows)
    v = tf.eye(num_rows, dtype=tf.float64)  # row i: the coefficients of g_i's v on the rows
    for turn in range(num_rows):
        met = tf.cast(orders[:, turn], tf.int32)
        inner = tf.reduce_sum(v * tf.gather(gramian, met), -1)
        square = tf.gather(squares, met)
        conflict = (inner < 0) & (met != itself) & (square > 0)
        removed = tf.where(conflict, inner / tf.where(square > 0, square, tf.ones_like(square)), tf.zeros_like(inner))
        v -= removed[:, None] * tf.one_hot(met, num_rows, dtype=tf.float64)
    return tf.reduce_sum(v, 0)


def _two_rows(gramian: tf.Tensor) -> tf.Tensor:
    """w_i = 1 − min(0, g_1·g_2)/|g_i|², [2]; 1 for a zero row."""
    squares = tf.linalg.diag_part(gramian)
    against = tf.minimum(gramian[0, 1], 0.0)
    return 1.0 - tf.where(
        squares > 0, against / tf.where(squares > 0, squares, tf.ones_like(squares)), tf.zeros_like(squares)
    )
