"""A2C: advantage actor-critic, synchronous A3C (Mnih et al. 2016, arXiv:1602.01783)."""

import tensorflow as tf

from rl.agents.actor_critic import ActorCritic
from rl.agents.phase import Diagnostics
from rl.agents.samples import Batch
from rl.estimators import policy_gradient_loss
from rl.settings import settings


@settings
class A2C(ActorCritic):
    """Objectives: the policy gradient, the value error, the entropy. Frozen copy: the behaviour snapshot.

    The usual setting is one update per short rollout. With `differentiate_at: behaviour` and several minibatches the
    gradients are delayed, like those of A3C's workers.
    """

    def policy_loss(self, log_prob: tf.Tensor, batch: Batch, advantage: tf.Tensor) -> tuple[tf.Tensor, Diagnostics]:
        """−log π(a|s) A, [B]; no diagnostics."""
        return policy_gradient_loss(log_prob, advantage), {}
