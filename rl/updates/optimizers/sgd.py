"""Plain gradient descent."""

from rl.settings import settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update


@settings
class SGD(Optimizer):
    """Δw = −α g (Robbins & Monro 1951)."""

    def init(self, weights: Tensors) -> tuple:
        """Nothing to remember."""
        return ()

    def update(self, gradients: Tensors, slots: tuple, weights: Tensors, learning_rates: Tensors) -> Update:
        """See `Optimizer.update`."""
        return Update(tuple(-rate * g for g, rate in zip(gradients, learning_rates, strict=True)), slots)
