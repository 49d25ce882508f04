"""Next-observation prediction: a forward model on the torso's features (Schmidhuber 1990; Oh et al. 2015)."""

import math

import keras
import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary, action_inputs
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean
from rl.networks import OBSERVATION, ActorCriticNetwork, Head, linear
from rl.settings import settings
from rl.spaces import Spaces


@settings
class NextObservation(Auxiliary):
    """½ |ô(s, a) − o'|² / d, with a linear head on features and action; d is the number of entries of o'.

    o' is the step's own successor as the network sees it, normalised, frames scaled to [0, 1]; never a reset's.
    """

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """All entries of the successor from features and action."""
        size = math.prod(spaces.observation.shape)

        def layer(seed: int) -> keras.Layer:
            return keras.Sequential([linear(size, "linear", gain=1.0, seed=seed)], name=name)

        return {name: Head(layer, self.torso, action_inputs(spaces.action))}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Mean over the valid samples and the entries, []."""
        found = self.output(name, model, roles, batch.observation, batch.action)
        successor = tf.reshape(batch.next_observation, (-1, math.prod(model.network.inputs[OBSERVATION])))
        if successor.dtype == tf.uint8:
            successor = tf.cast(successor, tf.float32) / 255.0
        return masked_mean(0.5 * tf.reduce_mean(tf.square(found - successor), -1), batch.valid)
