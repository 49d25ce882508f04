"""The estimate of the TD error by which TDC corrects the value's gradient (Sutton et al. 2009)."""

from typing import Annotated, ClassVar

import tensorflow as tf

from rl.agents.auxiliary.auxiliary import Auxiliary
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.estimators import masked_mean, td_error
from rl.gradients import LIVE
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head, value_head
from rl.settings import NonNegativeNumber, settings
from rl.spaces import Spaces


@settings
class Correction(Auxiliary):
    """½ (δ − h(s))² + ½ β |θ_h|², with δ = r + γ v̄(s') − v(s), v̄ of the frozen copy `target`.

    h is a linear head, initially zero, on features that it does not move; neither value receives a gradient.
    β = 0 is TDC, β = 1 TDRC (Ghiassian et al. 2020, arXiv:2007.00611). `GradientCorrection` uses h.
    """

    regularization: Annotated[NonNegativeNumber, INPUT]
    """β, ≥ 0."""

    frozen_roles: ClassVar[tuple[str, ...]] = ("target",)

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """h; its gradient stops before the torso."""

        def layer(seed: int):
            return value_head(gain=0.0, bias=0.0, seed=seed, name=name)

        return {name: Head(layer, self.torso, detached=True)}

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """The mean over the valid samples, plus the penalty, []."""
        outputs = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation}, ("value", name))
        successor = {OBSERVATION: batch.next_observation}
        v_t = model.network.apply(roles["target"], successor, ("value",))["value"][:, 0]
        error = tf.stop_gradient(td_error(outputs["value"][:, 0], batch.reward, batch.discount, v_t))
        penalty = tf.add_n([tf.reduce_sum(tf.square(weight)) for weight in roles[LIVE][name]])
        fit = masked_mean(0.5 * tf.square(error - outputs[name][:, 0]), batch.valid)
        return fit + 0.5 * self.regularization * penalty
