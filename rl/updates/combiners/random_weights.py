"""Random loss weighting (Lin, Ye & Zhang 2022, arXiv:2111.10603): the control that every rule has to beat."""

import tensorflow as tf

from rl.randomness import normals
from rl.settings import settings
from rl.updates.combiners.combiner import Combiner


@settings
class RandomWeights(Combiner):
    """w = softmax(z) with z standard normal, drawn anew for every update; Σ w = 1."""

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return tf.nn.softmax(tf.cast(normals(seed, (gramian.shape[-1],)), tf.float64)), state
