"""What one update looks at: some samples, and the state that it starts from."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import LIVE, Roles, Update
from rl.gradients.rows import Losses, Weights
from rl.updates import RuleState


class Minibatch(NamedTuple):
    """An update, its settled samples, the weights by role, the rule's state, and a seed for the combiner."""

    update: Update
    batch: Any
    roles: Roles
    rule: RuleState
    seed: tf.Tensor

    @property
    def losses(self) -> Losses:
        """The update's losses on the samples as a function of the weights by role."""
        return functools.partial(self.update.losses, batch=self.batch)

    @property
    def weights(self) -> Weights:
        """The live weights."""
        return self.roles[LIVE]

    @property
    def seen(self) -> Roles:
        """The weights by role as the losses see them: `live` are those at which the update takes gradients."""
        return self.roles if self.update.at == LIVE else {**self.roles, LIVE: self.roles[self.update.at]}

    @property
    def watch(self) -> tuple[str, ...]:
        """The roles that the gradients are taken with respect to."""
        return (LIVE, *self.update.through)
