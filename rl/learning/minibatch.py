"""The arguments of one update: samples, weights and the state of its rule."""

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import LIVE, Roles, Update
from rl.gradients.rows import Losses, Weights
from rl.updates import RuleState


class Minibatch(NamedTuple):
    """An update of one run, and everything that its step is computed from."""

    update: Update
    """The objectives, and their losses."""
    batch: Any
    """The settled samples, a nest of tensors [B, ...]."""
    roles: Roles
    """{role: weights}, before the update."""
    rule: RuleState
    """The rule's state, before the update."""
    seed: tf.Tensor
    """[2] int, for a combiner that draws random numbers."""

    @property
    def losses(self) -> Losses:
        """The losses on these samples: {role: weights} → ({objective: [] loss}, diagnostics)."""
        return functools.partial(self.update.losses, batch=self.batch)

    @property
    def weights(self) -> Weights:
        """The live weights, {part: tensors}."""
        return self.roles[LIVE]

    @property
    def seen(self) -> Roles:
        """The weights by role as the losses receive them.

        `live` are those at which the update takes its gradients: a frozen copy's for a delayed gradient (`Update.at`).
        """
        return self.roles if self.update.at == LIVE else {**self.roles, LIVE: self.roles[self.update.at]}

    @property
    def watch(self) -> tuple[str, ...]:
        """The roles with respect to whose weights gradients are taken: `live`, and the copies of `Update.through`."""
        return (LIVE, *self.update.through)
