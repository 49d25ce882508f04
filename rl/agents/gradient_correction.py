"""TDC and TDRC: a gradient correction through the target, by a head that estimates the TD error."""

from collections.abc import Mapping
from typing import ClassVar

import tensorflow as tf

from rl.agents.auxiliary import Auxiliary, Correction
from rl.estimators import gradient_correction_loss, masked_mean
from rl.settings import settings

CORRECTION = "correction"
"""The name of the objective that fits the estimate, and of its head."""


@settings
class GradientCorrection:
    """TDC and TDRC on the one-step TD error: adds γ h ∇v̄(s'), a gradient through the target copy.

    h is the estimate of the TD error that the auxiliary objective `correction` fits (Sutton et al. 2009; Ghiassian et
    al. 2020, arXiv:2007.00611). Differs from nonlinear TDC (Maei et al. 2009): the term with the value's second
    derivatives is omitted.
    """

    correction: Correction
    """The objective of h."""

    of: ClassVar[str] = "target"
    through: ClassVar[tuple[str, ...]] = ("target",)

    @property
    def auxiliary(self) -> Mapping[str, Auxiliary]:
        """The objective of h."""
        return {CORRECTION: self.correction}

    def loss(self, outputs: Mapping[str, tf.Tensor], v_t: tf.Tensor, batch) -> tf.Tensor:
        """As `Residual.loss`, with h from the head `correction`."""
        v_tm1, h_tm1 = outputs["value"][:, 0], outputs[CORRECTION][:, 0]
        value = gradient_correction_loss(v_tm1, batch.reward, batch.discount, v_t, h_tm1)
        return masked_mean(value, batch.valid)
