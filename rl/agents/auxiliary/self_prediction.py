"""Self-prediction in latent space, with a slowly moving target (Schwarzer et al. 2021, arXiv:2007.05929)."""

from typing import ClassVar

import keras
import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary, action_inputs
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.settings import settings
from rl.spaces import Spaces


@settings
class SelfPrediction(Auxiliary):
    """1 − cos(q(φ(s), a), φ̄(s')): a linear q predicts the features of the frozen copy `target` at the successor.

    No gradient flows through the copy, which keeps the features from collapsing.
    """

    frozen_roles: ClassVar[tuple[str, ...]] = ("target",)

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """As many numbers as features, from features and action."""
        inputs = action_inputs(spaces.action)
        ((width,),) = inputs.values()
        return {name: Head(lambda seed: keras.Sequential([Predictor(width, seed)], name=name), self.torso, inputs)}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Mean over the valid samples, [], 0 to 2."""
        torso = self.torso_of(model)
        found = self.output(name, model, roles, batch.observation, batch.action)
        successor = {OBSERVATION: batch.next_observation}
        target = tf.stop_gradient(model.network.apply(roles["target"], successor, (torso,))[torso])
        cosine = tf.reduce_sum(tf.math.l2_normalize(found, -1) * tf.math.l2_normalize(target, -1), -1)
        return masked_mean(1.0 - cosine, batch.valid)


class Predictor(keras.layers.Layer):
    """[B, F + A] → [B, F]: a linear layer from features and action to features."""

    def __init__(self, num_actions: int, seed: int):
        """num_actions: A, entries of the action; seed: of the orthogonal kernel."""
        super().__init__(name="predictor")
        self.num_actions, self.seed = num_actions, seed

    def build(self, input_shape):
        """Creates the kernel [F + A, F] and a zero bias."""
        inputs = input_shape[-1]
        kernel = keras.initializers.Orthogonal(1.0, seed=self.seed)
        self.kernel = self.add_weight(name="kernel", shape=(inputs, inputs - self.num_actions), initializer=kernel)
        self.bias = self.add_weight(name="bias", shape=(inputs - self.num_actions,), initializer="zeros")

    def call(self, inputs):
        """x W + b."""
        return tf.matmul(inputs, tf.convert_to_tensor(self.kernel)) + tf.convert_to_tensor(self.bias)

    def compute_output_shape(self, input_shape):
        """(B, F), for Keras' shape inference."""
        return (*input_shape[:-1], input_shape[-1] - self.num_actions)
