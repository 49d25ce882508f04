"""Random loss weighting (Lin, Ye & Zhang 2022, arXiv:2111.10603): the control that every other combiner has to beat."""

import tensorflow as tf

from rl.randomness import normals
from rl.settings import settings
from rl.updates.combiners.combiner import Combiner


@settings
class RandomWeights(Combiner):
    """Random weights: w = softmax(z), with z standard normal and redrawn for every update.

    Σ_i w_i = 1, and the expected direction is the mean of the rows.
    """

    def is_random(self, num_rows):
        """True; see `Combiner.is_random`."""
        return True

    def weights(self, gramian, losses, state, seed):
        """Weights drawn from the seed, whatever the Gramian, [k] float64; see `Combiner.weights`."""
        return tf.nn.softmax(tf.cast(normals(seed, (gramian.shape[-1],)), tf.float64)), state
