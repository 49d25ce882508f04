"""GradVac: gradient vaccine (Wang, Tsvetkov, Firat & Cao 2021, arXiv:2010.05874)."""

import tensorflow as tf

from rl.randomness import uniforms
from rl.settings import Share, settings
from rl.updates.combiners.combiner import Combiner


@settings
class GradVac(Combiner):
    """PCGrad with the running mean φ of two rows' cosine as its target, in place of 0.

    Algorithm 1: for each i, v = g_i; for j ≠ i in random order, with c = cos(v, g_j): if c < φ_ij,
    v ← v + |v| (φ_ij √(1 − c²) − c √(1 − φ_ij²)) / (|g_j| √(1 − φ_ij²)) g_j, after which cos(v, g_j) = φ_ij; in any
    case φ_ij ← (1 − β) φ_ij + β c. The update is the sum of all v.

    φ starts at 0; with β = 0 it stays 0, and this is PCGrad. If rows keep conflicting, φ becomes negative, and
    conflicts weaker than usual are tolerated.
    """

    beta: Share
    """β in [0, 1], the rate of the running mean."""

    def init(self, num_rows: int) -> tf.Tensor:
        """φ = 0, [k, k] float64."""
        return tf.zeros((num_rows, num_rows), tf.float64)

    def is_random(self, num_rows):
        """The order matters for more than two rows; see `Combiner.is_random`."""
        return num_rows > 2

    def weights(self, gramian, losses, state, seed):
        """`gradvac_weights` with orders drawn from the seed, one permutation a row; see `Combiner.weights`."""
        num_rows = gramian.shape[-1]
        orders = tf.argsort(uniforms(seed, (num_rows, num_rows)), axis=-1)
        return gradvac_weights(gramian, orders, state, beta=self.beta)


def gradvac_weights(
    gramian: tf.Tensor, orders: tf.Tensor, phi: tf.Tensor, *, beta: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """The weights for given orders, and the next φ.

    Args:
        gramian: G, [k, k] float.
        orders: [k, k] int; row i is a permutation of 0 … k − 1, the order in which row i is compared with the others
            (its own index is skipped).
        phi: φ, [k, k] float64.
        beta: β in [0, 1].
    Returns: (w [k] float64, φ [k, k] float64). A zero row changes no other row and no entry of φ.
    """
    gramian = tf.cast(gramian, tf.float64)
    num_rows = gramian.shape[-1]
    squares = tf.linalg.diag_part(gramian)
    itself = tf.range(num_rows)
    v = tf.eye(num_rows, dtype=tf.float64)  # row i: the coefficients of g_i's v on the rows
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
