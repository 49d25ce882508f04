"""Adam and AdamW."""

from typing import Annotated, NamedTuple

import tensorflow as tf

from rl.inputs import INPUT
from rl.settings import NonNegativeNumber, PositiveNumber, ShareBelowOne, settings
from rl.updates.optimizers.optimizer import Optimizer, Tensors, Update, zeros_like


class AdamSlots(NamedTuple):
    """Adam's running averages."""

    mean: Tensors
    """m, of the gradients."""
    square: Tensors
    """v, of the squared gradients."""
    count: tf.Tensor
    """t, the number of updates so far, [] float32."""


@settings
class Adam(Optimizer):
    """Adam: steps along a running mean of gradients, scaled by their root mean square.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  Δw = −α m̂/(√v̂ + ε)    (Kingma & Ba 2015, algorithm 1)

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) correct the bias of initialising m and v with 0. The step is nearly invariant
    to a constant factor on all gradients as long as √v̂ ≫ ε.
    """

    beta1: ShareBelowOne
    """β₁, the decay of m."""
    beta2: ShareBelowOne
    """β₂, the decay of v."""
    epsilon: PositiveNumber
    """ε, outside the root and after the bias correction, as in the paper; in units of the gradient."""

    def init(self, weights: Tensors) -> AdamSlots:
        """m = v = 0 at t = 0."""
        return AdamSlots(zeros_like(weights), zeros_like(weights), tf.zeros(()))

    def update(self, gradients: Tensors, slots: AdamSlots, weights: Tensors, learning_rates: Tensors) -> Update:
        """One step of algorithm 1 on every tensor; see `Optimizer.update`."""
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
        """The term added to m̂/(√v̂ + ε) for weight decay: 0 in Adam."""
        return 0.0


@settings
class AdamW(Adam):
    """Adam with decoupled weight decay.

    Δw = −α [m̂/(√v̂ + ε) + λ w]    (Loshchilov & Hutter 2019, algorithm 2)

    Differs from algorithm 2: weights of rank 0 or 1 (biases, scales) do not decay.
    """

    weight_decay: Annotated[NonNegativeNumber, INPUT]
    """λ, per update and multiplied by α; 0 gives Adam."""

    def _decay(self, weight: tf.Tensor) -> tf.Tensor | float:
        """λ w for kernels, 0 for weights of rank 0 or 1."""
        return self.weight_decay * weight if weight.shape.rank > 1 else 0.0
