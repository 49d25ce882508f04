"""GradNorm: gradient normalisation for adaptive loss balancing (Chen et al. 2018, arXiv:1711.02257), with α = 0."""

import tensorflow as tf

from rl.settings import PositiveNumber, settings
from rl.updates.combiners.combiner import Combiner

_LEAST = 1e-6


@settings
class GradNorm(Combiner):
    """Weights that are learnt until all weighted rows have one length.

    They follow −∂/∂w Σ_i |w_i n_i − mean_j w_j n_j|, the mean taken for a constant, and are brought back to Σ w = k
    (algorithm 1). With α > 0 the paper gives a row more length where its loss fell more slowly than the others', by
    ratios of losses to their first values: those mean nothing for a surrogate or an entropy, which have no zero to fall
    to. So α is 0 here. The lengths are taken relative to their mean, which makes the learning rate one number for all
    problems.
    """

    learning_rate: PositiveNumber

    def init(self, num_rows: int) -> tf.Tensor:
        """The weights, 1 each, [k] float64."""
        return tf.ones(num_rows, tf.float64)

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`: those of the state, which then takes its step."""
        return state, gradnorm_step(gramian, state, learning_rate=self.learning_rate)


def gradnorm_step(gramian: tf.Tensor, weights: tf.Tensor, *, learning_rate: float) -> tf.Tensor:
    """The weights after one step of their own, [k] float64, positive, Σ w = k."""
    norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(tf.cast(gramian, tf.float64)), 0.0))
    mean = tf.reduce_mean(norms)
    norms /= tf.where(mean > 0, mean, 1.0)
    lengths = weights * norms
    moved = weights - learning_rate * tf.sign(lengths - tf.reduce_mean(lengths)) * norms
    moved = tf.maximum(moved, _LEAST)
    return moved * (weights.shape[0] / tf.reduce_sum(moved))
