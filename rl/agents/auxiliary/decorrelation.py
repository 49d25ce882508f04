"""Feature decorrelation: features that say different things (after Zbontar et al. 2021, arXiv:2103.03230)."""

import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.gradients import LIVE
from rl.networks import OBSERVATION, ActorCriticNetwork
from rl.settings import settings

_EPSILON = 1e-4  # of the variance, in squared units of a feature: a dead unit has correlation 0 with all others


@settings
class Decorrelation(Auxiliary):
    """The mean squared correlation of two different features over the minibatch, 0 to 1.

    C = Z^T Z / n with Z the features minus their mean, over √(variance + 10⁻⁴);  loss = Σ_{i≠j} C_ij² / (F (F − 1))

    It has no head. Without the epsilon a unit that hardly varies would have an unbounded gradient.
    """

    per_sample = False

    def reads(self, name: str, model: ActorCriticNetwork) -> tuple[str, ...]:
        """The torso."""
        return (self.torso_of(model),)

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Over the valid samples, []."""
        torso = self.torso_of(model)
        features = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation}, (torso,))[torso]
        weight = batch.valid[:, None] / tf.maximum(tf.reduce_sum(batch.valid), 1.0)
        centred = features - tf.reduce_sum(weight * features, 0)
        variance = tf.reduce_sum(weight * tf.square(centred), 0)
        unit = centred / tf.sqrt(variance + _EPSILON)
        correlation = tf.matmul(weight * unit, unit, transpose_a=True)
        width = features.shape[-1]
        apart = tf.linalg.set_diag(correlation, tf.zeros(width))
        return tf.reduce_sum(tf.square(apart)) / max(width * (width - 1.0), 1.0)
