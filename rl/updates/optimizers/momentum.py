"""Gradient descent with momentum: heavy-ball and Nesterov."""

from typing import NamedTuple

from rl.settings import ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class MomentumSlots(NamedTuple):
    """Momentum's decaying sum of gradients."""

    velocity: Tensors
    """b, Σ_k μᵏ g_{t−k} for each tensor."""


@settings
class Momentum(Optimizer):
    """Heavy-ball momentum.

    b ← μ b + g,  Δw = −α b    (Polyak 1964; Sutskever et al. 2013, eqs. 1 and 2)

    α multiplies b, as in PyTorch: a change of the learning rate also rescales the contribution of past gradients. Under
    a constant gradient the step grows to −α g/(1 − μ).
    """

    momentum: ShareBelowOne
    """μ in [0, 1); 0 gives SGD."""

    def init(self, weights: Tensors) -> MomentumSlots:
        """b = 0."""
        return MomentumSlots(zeros_like(weights))

    def update(self, gradients: Tensors, slots: MomentumSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """b ← μ b + g and the step from it, for every tensor; see `Optimizer.update`."""
        velocity = tuple(self.momentum * b + g for b, g in zip(slots.velocity, gradients, strict=True))
        steps = tuple(
            -rate * self._step_vector(b, g) for b, g, rate in zip(velocity, gradients, learning_rates, strict=True)
        )
        return Update(steps, MomentumSlots(velocity))

    def _step_vector(self, velocity, gradient):
        """The vector v of the step Δw = −α v: b itself."""
        return velocity


@settings
class Nesterov(Momentum):
    """Nesterov's accelerated gradient.

    b ← μ b + g,  Δw = −α (g + μ b)    (Nesterov 1983; Sutskever et al. 2013, eqs. 3 and 4)

    The weights are the look-ahead point of these equations, where the gradient is taken.
    """

    def _step_vector(self, velocity, gradient):
        """The vector v of the step Δw = −α v: g + μ b, with the new b."""
        return gradient + self.momentum * velocity
