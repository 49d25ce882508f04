"""What one update looks at: some samples, and the state that it starts from."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import LIVE, Roles, Update
from rl.gradients.rows import Losses, Weights
from rl.updates import RuleState


class Minibatch(NamedTuple):
    """Settled samples, the weights by role, the rule's state, and a seed for the combiner."""

    batch: Any
    roles: Roles
    rule: RuleState
    seed: tf.Tensor

    @property
    def weights(self) -> Weights:
        """The live weights."""
        return self.roles[LIVE]


def losses_of(update: Update, batch: Any) -> Losses:
    """An update's losses on a batch as a function of the weights by role."""
    return functools.partial(update.losses, batch=batch)


def roles_at(update: Update, roles: Roles) -> Roles:
    """The weights by role as the losses see them: `live` are those at which the update takes gradients."""
    return roles if update.at == LIVE else {**roles, LIVE: roles[update.at]}


def watch_of(update: Update) -> tuple[str, ...]:
    """The roles that an update's gradients are taken with respect to."""
    return (LIVE, *update.through)
