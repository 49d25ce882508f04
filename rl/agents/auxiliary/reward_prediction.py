"""Reward prediction: the torso learns to predict each step's reward (Jaderberg et al. 2017, arXiv:1611.05397)."""

import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary, action_inputs
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean
from rl.networks import ActorCriticNetwork, Head, scalar_head
from rl.settings import settings
from rl.spaces import Spaces


@settings
class RewardPrediction(Auxiliary):
    """½ (r̂(s, a) − r)², with a linear head on features and action; r as the agent sees it, normalised.

    Differs from the paper, which classifies the reward's sign from sequences.
    """

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """One number from features and action."""
        return {name: Head(scalar_head(name), self.torso, action_inputs(spaces.action))}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Mean over the valid samples, []."""
        found = self.output(name, model, roles, batch.observation, batch.action)[:, 0]
        return masked_mean(0.5 * tf.square(found - batch.reward), batch.valid)
