"""What stands for the future in the value's objective, and how much of its gradient is followed through it."""

import functools
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import keras
import tensorflow as tf

from rl.estimators import gradient_correction_loss, masked_mean, residual_loss, td_error
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import Head, value_head
from rl.settings import NonNegativeNumber, settings

CORRECTION = "correction"
"""The head that estimates the TD error, and the objective that fits it."""


@settings
class SemiGradient:
    """The λ-return is a constant: nothing flows through the values it was made of (Sutton 1988)."""

    of: Literal["live", "target"]
    """Whose value stands for the future."""

    through: ClassVar[tuple[str, ...]] = ()
    """Roles of frozen copies through which the value's gradient flows as well."""
    objectives: ClassVar[Mapping[str, float]] = {}
    """{objective beside the agent's own: its coefficient}; each reads the head of its name."""
    heads: ClassVar[Mapping[str, Head]] = {}
    """{head beside the agent's own}."""


@settings
class Residual:
    """Baird's residual algorithm on the one-step TD error: η times its gradient through the target copy is added.

    η = 1 with a copy that is never older than the live weights is the residual gradient; η = 0 the one-step
    semi-gradient. The advantages stay those of the agent's λ.
    """

    eta: Annotated[NonNegativeNumber, INPUT]

    of: ClassVar[str] = "target"
    through: ClassVar[tuple[str, ...]] = ("target",)
    objectives: ClassVar[Mapping[str, float]] = {}
    heads: ClassVar[Mapping[str, Head]] = {}

    def losses(self, weights: Weights, outputs: Mapping[str, tf.Tensor], v_t: tf.Tensor, batch) -> dict[str, tf.Tensor]:
        """{objective: [] loss}, from the heads' outputs [B, 1] and the target copy's values of the successors [B]."""
        value = residual_loss(outputs["value"][:, 0], batch.reward, batch.discount, v_t, eta=self.eta)
        return {"value": masked_mean(value, batch.valid)}


@settings
class GradientCorrection:
    """TDC and TDRC on the one-step TD error: γ h ∇v̄(s') is added through the target copy.

    h is a linear head on the torso's features, which it does not move, fitted to the TD error with the penalty
    ½ β |θ_h|². β = 0 is TDC (Sutton et al. 2009), β = 1 TDRC (Ghiassian et al. 2020, arXiv:2007.00611). Differs from
    nonlinear TDC (Maei et al. 2009): the term with the value's second derivatives is left out.
    """

    regularization: Annotated[NonNegativeNumber, INPUT]
    coefficient: Annotated[NonNegativeNumber, INPUT]

    of: ClassVar[str] = "target"
    through: ClassVar[tuple[str, ...]] = ("target",)

    @property
    def heads(self) -> Mapping[str, Head]:
        """h, zero at the start, which does not move the torso."""
        layer = functools.partial(_zero_head, CORRECTION)
        return {CORRECTION: Head(layer, detached=True)}

    @property
    def objectives(self) -> Mapping[str, float]:
        """The fit of h."""
        return {CORRECTION: self.coefficient}

    def losses(self, weights: Weights, outputs: Mapping[str, tf.Tensor], v_t: tf.Tensor, batch) -> dict[str, tf.Tensor]:
        """See `Residual.losses`; that of h is ½ (δ − h)² + ½ β |θ_h|²."""
        v_tm1, h_tm1 = outputs["value"][:, 0], outputs[CORRECTION][:, 0]
        value = gradient_correction_loss(v_tm1, batch.reward, batch.discount, v_t, h_tm1)
        error = td_error(v_tm1, batch.reward, batch.discount, v_t)
        penalty = tf.add_n([tf.reduce_sum(tf.square(weight)) for weight in weights[CORRECTION]])
        fit = masked_mean(0.5 * tf.square(error - h_tm1), batch.valid) + 0.5 * self.regularization * penalty
        return {"value": masked_mean(value, batch.valid), CORRECTION: fit}


def _zero_head(name: str, seed: int) -> keras.Layer:
    return value_head(gain=0.0, bias=0.0, seed=seed, name=name)


Bootstrap = SemiGradient | Residual | GradientCorrection
