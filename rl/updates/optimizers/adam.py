"""Adam and AdamW."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from rl.errors import require
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class AdamSlots(NamedTuple):
    """Running means of gradients and their squares, and the number of updates, [] float32."""

    mean: Tensors
    square: Tensors
    count: tf.Tensor


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², Δw = −α m̂/(√v̂ + ε)    (Kingma & Ba 2015, algorithm 1).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the start at zero.
    """

    beta1: float
    """β₁ in [0, 1)."""
    beta2: float
    """β₂ in [0, 1)."""
    epsilon: float
    """ε > 0, outside the root and after the correction, as in the paper."""

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.beta1 < 1, f"optimizer.beta1 is {self.beta1}; it must lie in [0, 1).")
        require(0 <= self.beta2 < 1, f"optimizer.beta2 is {self.beta2}; it must lie in [0, 1).")
        require(self.epsilon > 0, f"optimizer.epsilon is {self.epsilon}; it must be positive.")

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


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay, Δw = −α [m̂/(√v̂ + ε) + λ w]    (Loshchilov & Hutter 2019, algorithm 2)."""

    weight_decay: float
    """λ ≥ 0; it acts on kernels alone, not on vectors (biases, scales)."""

    def __post_init__(self):
        super().__post_init__()
        require(self.weight_decay >= 0, f"optimizer.weight_decay is {self.weight_decay}; it must not be negative.")

    def _decay(self, weight: tf.Tensor) -> tf.Tensor | float:
        return self.weight_decay * weight if weight.shape.rank > 1 else 0.0
