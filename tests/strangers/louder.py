"""A combiner: every row counts by its length."""

import tensorflow as tf

from rl.settings import NonNegativeNumber, settings
from rl.updates.combiners import Combiner


@settings
class Louder(Combiner):
    """w_g ∝ |row_g|^power, Σ_g w_g = k; all 1 where no row has a length."""

    power: NonNegativeNumber

    def weights(self, gramian, losses, state, seed):
        lengths = tf.sqrt(tf.linalg.diag_part(tf.cast(gramian, tf.float64)))
        longer = tf.pow(tf.where(lengths > 0, lengths, 1.0), self.power)
        return longer * gramian.shape[-1] / tf.reduce_sum(longer), state
