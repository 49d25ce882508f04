"""SAC: soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905)."""

import functools
import math
from typing import Annotated

import keras
import tensorflow as tf

from rl.agents.off_policy import Experience, OffPolicy
from rl.agents.phase import Roles, Update
from rl.distributions import TanhGaussian
from rl.estimators import masked_mean
from rl.gradients import LIVE, Objective
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import ActorCriticNetwork, Head, linear
from rl.networks.bare import BareParameter
from rl.settings import Number, PositiveNumber, settings
from rl.spaces import Box, Spaces

TEMPERATURE = "temperature"


@settings
class SAC(OffPolicy):
    """Objectives q_0, q_1, …, policy and temperature in one update.

    y = r + γ (min_i q̄_i(s', a') − α log π(a'|s')), a' ~ π(·|s')    (eq. 3, 5)
    L_q = ½ (q_i(s, a) − y)²,  L_π = α log π(a|s) − min_i q_i(s, a), a ~ π(·|s)    (eq. 5, 7)
    L_α = −log α (log π(a|s) + H̄)    (eq. 18, in log α as in the authors' code)

    The critics in L_π are at weights that no gradient reaches, features included: only through the action does it
    depend on them. Differs from the paper: all objectives are taken at the same weights, where the critics' step comes
    first there. A subset of the critics in the target's minimum is REDQ's (Chen et al. 2021, arXiv:2101.05982).
    """

    initial_temperature: PositiveNumber
    target_entropy: Annotated[Number, INPUT] | None

    objectives = ("q", "policy", TEMPERATURE)

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """Those of `OffPolicy`, and log α, which reads nothing."""
        initial = math.log(self.initial_temperature)
        temperature = Head(lambda seed: BareParameter(TEMPERATURE, initial), None)  # noqa: ARG005
        return {**super().heads(spaces), TEMPERATURE: temperature}

    def policy_head(self, space: Box) -> Head:
        """The mean and log σ before the squashing."""
        size = 2 * len(space.low)

        def layer(seed: int) -> keras.Layer:
            return keras.Sequential([linear(size, "parameters", gain=0.01, seed=seed)], name="policy")

        return Head(layer, "policy", distribution=TanhGaussian(space.low, space.high))

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """One update of all objectives."""
        names = dict.fromkeys(self.critics, "q") | {name: name for name in ("policy", TEMPERATURE)}
        objectives = tuple(
            Objective(name, self.coefficients[key], {LIVE: model.network.reads[name]}) for name, key in names.items()
        )
        losses = functools.partial(self.losses, model)
        return (Update("update", objectives, self.expanded(list(names)), losses),)

    def losses(self, model: ActorCriticNetwork, roles: Roles, batch: Experience):
        """The losses to minimise, each a mean over the valid samples.

        Returns: ({objective: [] loss}, {tag: [] diagnostic}).
        """
        live = roles[LIVE]
        stopped = tf.nest.map_structure(tf.stop_gradient, dict(live))
        log_alpha = model.network.apply(live, {}, (TEMPERATURE,))[TEMPERATURE]
        alpha = tf.stop_gradient(tf.exp(log_alpha))
        target = tf.stop_gradient(self._target(model, roles, stopped, batch, alpha))
        taken = self.values(model, live, batch.observation, batch.action)
        losses = {name: masked_mean(0.5 * tf.square(q - target), batch.valid) for name, q in taken.items()}
        drawn = model.distribution.draw(self.policy(model, live, batch.observation), batch.noise)
        lowest = self.lowest(self.values(model, stopped, batch.observation, drawn.action))
        losses["policy"] = masked_mean(alpha * drawn.log_prob - lowest, batch.valid)
        entropy = -masked_mean(tf.stop_gradient(drawn.log_prob), batch.valid)
        wanted = -float(batch.action.shape[-1]) if self.target_entropy is None else self.target_entropy
        losses[TEMPERATURE] = log_alpha * (entropy - wanted)
        return losses, {
            "policy/entropy": entropy,
            "policy/temperature": alpha,
            "value/mean": masked_mean(tf.add_n(list(taken.values())) / len(taken), batch.valid),
            "value/target_mean": masked_mean(target, batch.valid),
        }

    def _target(self, model: ActorCriticNetwork, roles: Roles, live: Weights, batch: Experience, alpha) -> tf.Tensor:
        """y, [B]."""
        drawn = model.distribution.draw(self.policy(model, live, batch.next_observation), batch.next_noise)
        values = self.values(model, roles["target"], batch.next_observation, drawn.action)
        return batch.reward + batch.discount * (self.lowest(values, batch.chosen) - alpha * drawn.log_prob)
