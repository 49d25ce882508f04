"""GradVac: gradient vaccine (Wang, Tsvetkov, Firat & Cao 2021, arXiv:2010.05874)."""

import tensorflow as tf

from rl.randomness import uniforms
from rl.settings import Share, settings
from rl.updates.combiners.combiner import Combiner


@settings
class GradVac(Combiner):
    """PCGrad with a goal: rows are turned towards each other until their cosine is what it has been on average.

    φ_ij is the running mean of the cosine of row i (as it is when it meets j) and row j, 0 at the start; below it,
    row i takes on so much of row j that the cosine becomes φ_ij (algorithm 1). The update is the sum. With β = 0 it is
    PCGrad. Where rows keep conflicting φ becomes negative, and the conflict is then let be.
    """

    beta: Share

    def init(self, num_rows: int) -> tf.Tensor:
        """φ, [k, k] float64."""
        return tf.zeros((num_rows, num_rows), tf.float64)

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`; the seed draws for each row the order in which it meets the others."""
        num_rows = gramian.shape[-1]
        orders = tf.argsort(uniforms(seed, (num_rows, num_rows)), axis=-1)
        return gradvac_weights(gramian, orders, state, beta=self.beta)


def gradvac_weights(
    gramian: tf.Tensor, orders: tf.Tensor, phi: tf.Tensor, *, beta: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """The weights with given orders, and φ afterwards.

    Args:
        gramian: [k, k] float.
        orders: [k, k] int; row i is a permutation of 0 … k − 1, the order in which i meets the others (itself is
            skipped).
        phi: [k, k] float64, as the call before left it.
    Returns: ([k] float64, [k, k] float64). A zero row meets nobody.
    """
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    squares = tf.linalg.diag_part(gramian)
    itself = tf.range(num_rows)
    v = tf.eye(num_rows, dtype=tf.float64)  # v[i] holds what row i has become in terms of the rows
    for turn in range(num_rows):
        met = tf.cast(orders[:, turn], tf.int32)
        there = tf.one_hot(met, num_rows, dtype=tf.float64)
        inner = tf.reduce_sum(v * tf.gather(gramian, met), -1)
        length = tf.sqrt(tf.maximum(tf.einsum("ij,jk,ik->i", v, gramian, v), 0.0))
        other = tf.sqrt(tf.gather(squares, met))
        meets = (met != itself) & (length * other > 0)
        cosine = tf.where(meets, inner / tf.where(meets, length * other, 1.0), 0.0)
        cosine = tf.clip_by_value(cosine, -1.0, 1.0)
        goal = tf.reduce_sum(phi * there, -1)
        rest = tf.sqrt(tf.maximum(1.0 - tf.square(goal), 1e-12))
        taken = (
            length * (goal * tf.sqrt(1.0 - tf.square(cosine)) - cosine * rest) / (tf.where(meets, other, 1.0) * rest)
        )
        v += tf.where(meets & (cosine < goal), taken, 0.0)[:, None] * there
        phi += tf.where(meets, beta * (cosine - goal), 0.0)[:, None] * there
    return tf.reduce_sum(v, 0), phi
