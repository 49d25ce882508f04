"""RMSProp, with the epsilon inside or outside the root."""

from typing import NamedTuple

import tensorflow as tf

from rl.settings import NonNegativeNumber, PositiveNumber, ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class RMSPropSlots(NamedTuple):
    """The running mean of squared gradients of each tensor."""

    square: Tensors


@settings
class RMSProp(Optimizer):
    """s ← ρ s + (1 − ρ) g², then Δw = −α g/√(s + ε) or −α g/(√s + ε)    (Tieleman & Hinton 2012, lecture 6.5).

    The first form, with s = 1 at the start, is TensorFlow's of the A3C and A2C papers; the second, with s = 0,
    PyTorch's.
    """

    decay: ShareBelowOne
    """ρ."""
    epsilon: PositiveNumber
    """ε, in units of g² inside the root and of g outside."""
    epsilon_inside: bool
    """Whether ε stands inside the root."""
    initial_square: NonNegativeNumber
    """s before the first update."""

    def init(self, weights: Tensors) -> RMSPropSlots:
        """`initial_square` everywhere."""
        return RMSPropSlots(tuple(zero + self.initial_square for zero in zeros_like(weights)))

    def update(self, gradients: Tensors, slots: RMSPropSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """See `Optimizer.update`."""
        square = tuple(
            self.decay * s + (1.0 - self.decay) * tf.square(g) for s, g in zip(slots.square, gradients, strict=True)
        )
        steps = tuple(-rate * g / self._root(s) for s, g, rate in zip(square, gradients, learning_rates, strict=True))
        return Update(steps, RMSPropSlots(square))

    def _root(self, square: tf.Tensor) -> tf.Tensor:
        return tf.sqrt(square + self.epsilon) if self.epsilon_inside else tf.sqrt(square) + self.epsilon
