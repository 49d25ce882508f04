"""Termination prediction: the torso learns to predict the end of the episode (Kartal et al. 2019, arXiv:1907.10827)."""

import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary, action_inputs
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean
from rl.networks import ActorCriticNetwork, Head, scalar_head
from rl.settings import settings
from rl.spaces import Spaces


@settings
class Termination(Auxiliary):
    """−log p̂(whether the step terminated the episode | s, a), with a linear head on features and action.

    Differs from the paper, which regresses on the time left in the episode. A truncation is no termination.
    """

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """One logit from features and action."""
        return {name: Head(scalar_head(name), self.torso, action_inputs(spaces.action))}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Mean over the valid samples, [], in nats."""
        logit = self.output(name, model, roles, batch.observation, batch.action)[:, 0]
        return masked_mean(tf.nn.sigmoid_cross_entropy_with_logits(batch.terminated, logit), batch.valid)
