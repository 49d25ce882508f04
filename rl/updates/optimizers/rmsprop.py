"""RMSProp, with ε inside or outside the root."""

from typing import NamedTuple

import tensorflow as tf

from rl.settings import NonNegativeNumber, PositiveNumber, ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class RMSPropSlots(NamedTuple):
    """RMSProp's running average."""

    square: Tensors
    """s, of the squared gradients, for each tensor."""


@settings
class RMSProp(Optimizer):
    """RMSProp: gradients divided by their root mean square.

    s ← ρ s + (1 − ρ) g²,  Δw = −α g/√(s + ε) or −α g/(√s + ε)    (Tieleman & Hinton 2012, lecture 6.5)

    The first form, with s initialised to 1, is TensorFlow's, as in the A3C and A2C papers; the second, with s
    initialised to 0, is PyTorch's. They differ unless g² is much larger than ε.
    """

    decay: ShareBelowOne
    """ρ in [0, 1), the decay of s."""
    epsilon: PositiveNumber
    """ε, in units of g² inside the root and of g outside."""
    epsilon_inside: bool
    """Whether ε is inside the root."""
    initial_square: NonNegativeNumber
    """s before the first update, the same for every entry."""

    def init(self, weights: Tensors) -> RMSPropSlots:
        """s = `initial_square` in every entry."""
        return RMSPropSlots(tuple(zero + self.initial_square for zero in zeros_like(weights)))

    def update(self, gradients: Tensors, slots: RMSPropSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """s ← ρ s + (1 − ρ) g² and the step from it, for every tensor; see `Optimizer.update`."""
        square = tuple(
            self.decay * s + (1.0 - self.decay) * tf.square(g) for s, g in zip(slots.square, gradients, strict=True)
        )
        steps = tuple(-rate * g / self._root(s) for s, g, rate in zip(square, gradients, learning_rates, strict=True))
        return Update(steps, RMSPropSlots(square))

    def _root(self, square: tf.Tensor) -> tf.Tensor:
        """√(s + ε) or √s + ε."""
        return tf.sqrt(square + self.epsilon) if self.epsilon_inside else tf.sqrt(square) + self.epsilon
