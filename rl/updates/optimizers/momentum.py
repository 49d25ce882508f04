"""Gradient descent with momentum, heavy-ball and Nesterov."""

from typing import NamedTuple

from rl.settings import ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class MomentumSlots(NamedTuple):
    """The velocity of each tensor."""

    velocity: Tensors


@settings
class Momentum(Optimizer):
    """b ← μ b + g, Δw = −α b    (Polyak 1964, in the form of Sutskever et al. 2013 with α outside)."""

    momentum: ShareBelowOne
    """μ."""

    def init(self, weights: Tensors) -> MomentumSlots:
        """At rest."""
        return MomentumSlots(zeros_like(weights))

    def update(self, gradients: Tensors, slots: MomentumSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """See `Optimizer.update`."""
        velocity = tuple(self.momentum * b + g for b, g in zip(slots.velocity, gradients, strict=True))
        steps = tuple(-rate * self._ahead(b, g) for b, g, rate in zip(velocity, gradients, learning_rates, strict=True))
        return Update(steps, MomentumSlots(velocity))

    def _ahead(self, velocity, gradient):
        return velocity


@settings
class Nesterov(Momentum):
    """b ← μ b + g, Δw = −α (g + μ b)    (Nesterov 1983, in the form of Sutskever et al. 2013, eq. 7 re-centred)."""

    def _ahead(self, velocity, gradient):
        return gradient + self.momentum * velocity
