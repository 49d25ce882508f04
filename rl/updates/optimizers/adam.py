"""Adam and AdamW."""

from typing import Annotated, NamedTuple

import tensorflow as tf

from rl.inputs import INPUT
from rl.settings import NonNegativeNumber, PositiveNumber, ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class AdamSlots(NamedTuple):
    """Running means of gradients and their squares, and the number of updates, [] float32."""

    mean: Tensors
    square: Tensors
    count: tf.Tensor


@settings
class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², Δw = −α m̂/(√v̂ + ε)    (Kingma & Ba 2015, algorithm 1).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the start at zero.
    """

    beta1: ShareBelowOne
    """β₁."""
    beta2: ShareBelowOne
    """β₂."""
    epsilon: PositiveNumber
    """ε, outside the root and after the correction, as in the paper."""

    def init(self, weights: Tensors) -> AdamSlots:
        """Zeros."""
        return AdamSlots(zeros_like(weights), zeros_like(weights), tf.zeros(()))

    def update(self, gradients: Tensors, slots: AdamSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """See `Optimizer.update`."""
        count = slots.count + 1.0
        mean = tuple(self.beta1 * m + (1.0 - self.beta1) * g for m, g in zip(slots.mean, gradients, strict=True))
        square = tuple(
            self.beta2 * v + (1.0 - self.beta2) * tf.square(g) for v, g in zip(slots.square, gradients, strict=True)
        )
        mean_unbias = 1.0 / (1.0 - tf.pow(self.beta1, count))
        square_unbias = 1.0 / (1.0 - tf.pow(self.beta2, count))
        steps = tuple(
            -rate * (m * mean_unbias / (tf.sqrt(v * square_unbias) + self.epsilon) + self._decay(weight))
            for m, v, weight, rate in zip(mean, square, weights, learning_rates, strict=True)
        )
        return Update(steps, AdamSlots(mean, square, count))

    def _decay(self, weight: tf.Tensor) -> tf.Tensor | float:
        return 0.0


@settings
class AdamW(Adam):
    """Adam with decoupled weight decay, Δw = −α [m̂/(√v̂ + ε) + λ w]    (Loshchilov & Hutter 2019, algorithm 2)."""

    weight_decay: Annotated[NonNegativeNumber, INPUT]
    """λ; it acts on kernels alone, not on vectors (biases, scales)."""

    def _decay(self, weight: tf.Tensor) -> tf.Tensor | float:
        return self.weight_decay * weight if weight.shape.rank > 1 else 0.0
