"""Inverse dynamics: the torso learns what the agent controls (Pathak et al. 2017, eq. 2, arXiv:1705.05363)."""

import functools

import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean
from rl.networks import ActorCriticNetwork, Head, logits_head
from rl.settings import settings
from rl.spaces import Discrete, Spaces


@settings
class InverseDynamics(Auxiliary):
    """−log p̂(a | s, s'), logits linear in the features of both observations; of continuous actions ½ |â − a|² / d.

    Two heads on one torso, one for each observation, whose outputs are added: a linear layer on both.
    """

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """Logits, or numbers of the action, from the features before the step and from those after it."""
        space = spaces.action
        width = space.n if isinstance(space, Discrete) else space.shape[0]
        before, after = (functools.partial(_named, f"{name}_{when}", width) for when in ("before", "after"))
        return {f"{name}_before": Head(before, self.torso), f"{name}_after": Head(after, self.torso)}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """Mean over the valid samples, [], in nats or in squared units of the action."""
        found = self.output(f"{name}_before", model, roles, batch.observation)
        found += self.output(f"{name}_after", model, roles, batch.next_observation)
        if batch.action.dtype.is_integer:
            error = tf.nn.sparse_softmax_cross_entropy_with_logits(batch.action, found)
        else:
            error = 0.5 * tf.reduce_mean(tf.square(found - batch.action), -1)
        return masked_mean(error, batch.valid)


def _named(name: str, width: int, seed: int):
    layer = logits_head(width, gain=1.0, seed=seed)
    layer.name = name
    return layer
