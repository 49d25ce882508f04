"""TDC and TDRC: a gradient correction through the target, by a head that estimates the TD error."""

import functools
from collections.abc import Mapping
from typing import Annotated, ClassVar

import keras
import tensorflow as tf

from rl.estimators import gradient_correction_loss, masked_mean, td_error
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import Head, value_head
from rl.settings import NonNegativeNumber, settings

CORRECTION = "correction"
"""The name of the head that estimates the TD error, and of the objective that fits it."""


@settings
class GradientCorrection:
    """TDC and TDRC on the one-step TD error: adds γ h ∇v̄(s'), a gradient through the target copy.

    h is a linear head on the torso's features, which it does not move, fitted to the TD error with the penalty
    ½ β |θ_h|². β = 0 is TDC (Sutton et al. 2009), β = 1 TDRC (Ghiassian et al. 2020, arXiv:2007.00611). Differs from
    nonlinear TDC (Maei et al. 2009): the term with the value's second derivatives is omitted.
    """

    regularization: Annotated[NonNegativeNumber, INPUT]
    """β, ≥ 0."""
    coefficient: Annotated[NonNegativeNumber, INPUT]
    """Weight of the fit of h in the total loss, ≥ 0."""

    of: ClassVar[str] = "target"
    through: ClassVar[tuple[str, ...]] = ("target",)

    @property
    def heads(self) -> Mapping[str, Head]:
        """The head of h, initially zero; its gradient stops before the torso."""
        layer = functools.partial(_zero_head, CORRECTION)
        return {CORRECTION: Head(layer, detached=True)}

    @property
    def objectives(self) -> Mapping[str, float]:
        """The fit of h, with its coefficient."""
        return {CORRECTION: self.coefficient}

    def losses(self, weights: Weights, outputs: Mapping[str, tf.Tensor], v_t: tf.Tensor, batch) -> dict[str, tf.Tensor]:
        """As `Residual.losses`; the loss of h is the mean of ½ (δ − h)², plus ½ β |θ_h|²."""
        v_tm1, h_tm1 = outputs["value"][:, 0], outputs[CORRECTION][:, 0]
        value = gradient_correction_loss(v_tm1, batch.reward, batch.discount, v_t, h_tm1)
        error = td_error(v_tm1, batch.reward, batch.discount, v_t)
        penalty = tf.add_n([tf.reduce_sum(tf.square(weight)) for weight in weights[CORRECTION]])
        fit = masked_mean(0.5 * tf.square(error - h_tm1), batch.valid) + 0.5 * self.regularization * penalty
        return {"value": masked_mean(value, batch.valid), CORRECTION: fit}


def _zero_head(name: str, seed: int) -> keras.Layer:
    """A linear head, [B, F] → [B, 1], whose kernel and bias are initially 0."""
    return value_head(gain=0.0, bias=0.0, seed=seed, name=name)
