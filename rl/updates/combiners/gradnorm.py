"""GradNorm: gradient normalisation for adaptive loss balancing (Chen et al. 2018, arXiv:1711.02257), with α = 0."""

import tensorflow as tf

from rl.settings import PositiveNumber, settings
from rl.updates.combiners.combiner import Combiner

_LEAST = 1e-6


@settings
class GradNorm(Combiner):
    """Learns weights that give all weighted rows the same norm.

    w ← w − η ∂/∂w Σ_i |w_i n_i − mean_j w_j n_j|, mean held constant; then scaled to Σ_i w_i = k    (algorithm 1)

    With α > 0 the paper gives a larger norm to rows whose losses fell more slowly, by the ratio of each loss to its
    initial value. Such ratios are meaningless for a surrogate or an entropy, whose minimum is not 0; hence α = 0.
    Differs from algorithm 1: n is divided by its mean, so that η is independent of the scale of the losses.
    """

    learning_rate: PositiveNumber
    """η, roughly the change of a weight in one update."""

    def init(self, num_rows: int) -> tf.Tensor:
        """The weights before the first update, 1 each, [k] float64."""
        return tf.ones(num_rows, tf.float64)

    def weights(self, gramian, losses, state, seed):
        """The weights in the state, and the weights after one gradient step on them; see `Combiner.weights`."""
        return state, gradnorm_step(gramian, state, learning_rate=self.learning_rate)


def gradnorm_step(gramian: tf.Tensor, weights: tf.Tensor, *, learning_rate: float) -> tf.Tensor:
    """One gradient step of algorithm 1 on the weights.

    Args:
        gramian: G, [k, k] float.
        weights: w, [k] float64.
        learning_rate: η > 0.
    Returns: [k] float64, at least 1e−6 before they are scaled to Σ_i w_i = k.
    """
    norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(tf.cast(gramian, tf.float64)), 0.0))
    mean = tf.reduce_mean(norms)
    norms /= tf.where(mean > 0, mean, 1.0)
    lengths = weights * norms
    moved = weights - learning_rate * tf.sign(lengths - tf.reduce_mean(lengths)) * norms
    moved = tf.maximum(moved, _LEAST)
    return moved * (weights.shape[0] / tf.reduce_sum(moved))
