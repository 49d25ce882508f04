"""The residual algorithm: part of the value's gradient flows through its target."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import tensorflow as tf

from rl.agents.auxiliary import Auxiliary
from rl.estimators import masked_mean, residual_loss
from rl.inputs import INPUT
from rl.settings import NonNegativeNumber, settings


@settings
class Residual:
    """Baird's residual algorithm on the one-step TD error: adds η times its gradient through the target copy.

    η = 1 with a copy as new as the live weights is the residual gradient, η = 0 the one-step semi-gradient (Baird
    1995). The advantages are still those of the agent's λ.
    """

    eta: Annotated[NonNegativeNumber, INPUT]
    """η, factor on the gradient through the target copy, ≥ 0."""

    of: ClassVar[str] = "target"
    through: ClassVar[tuple[str, ...]] = ("target",)
    auxiliary: ClassVar[Mapping[str, Auxiliary]] = {}

    def loss(self, outputs: Mapping[str, tf.Tensor], v_t: tf.Tensor, batch) -> tf.Tensor:
        """The loss of the value, [].

        Args:
            outputs: {head: its output at the live weights}; [B, 1] for `value`.
            v_t: the target copy's values of the successors, [B].
            batch: [B, ...], with reward, discount and valid.
        """
        value = residual_loss(outputs["value"][:, 0], batch.reward, batch.discount, v_t, eta=self.eta)
        return masked_mean(value, batch.valid)
