"""Stochastic gradient descent."""

from rl.settings import settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update


@settings
class SGD(Optimizer):
    """Stochastic gradient descent, without state: the step has the direction of the clipped gradient, negated.

    Δw = −α g    (Robbins & Monro 1951)
    """

    def init(self, weights: Tensors) -> tuple:
        """No slots."""
        return ()

    def update(self, gradients: Tensors, slots: tuple, weights: Tensors, learning_rates: Tensors) -> Update:
        """−α g for every tensor; see `Optimizer.update`."""
        return Update(tuple(-rate * g for g, rate in zip(gradients, learning_rates, strict=True)), slots)
