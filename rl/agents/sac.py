"""SAC: soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905)."""

import functools
import math
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf

from rl.agents.experience import Experience
from rl.agents.off_policy import OffPolicy, stopped
from rl.agents.phase import Roles, Update
from rl.distributions import TanhGaussian
from rl.gradients import LIVE, Objective
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
    first there. A subset of the critics in the target's minimum, and then their mean in L_π, is
    REDQ's (Chen et al. 2021, arXiv:2101.05982).
    """

    initial_temperature: PositiveNumber
    target_entropy: Annotated[Number, INPUT] | None

    objectives = ("q", "policy", TEMPERATURE)

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """Those of `OffPolicy`, and log α, which reads nothing."""
        return {**super().heads(spaces), TEMPERATURE: bare(TEMPERATURE, math.log(self.initial_temperature))}

    def policy_head(self, space: Box) -> Head:
        """The mean and log σ before the squashing."""
        return gaussian_policy(space)

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """One update of all objectives."""
        own = [
            Objective(name, self.coefficients[name], {LIVE: model.network.reads[name]})
            for name in ("policy", TEMPERATURE)
        ]
        objectives = (*self.critic_objectives(model), *own)
        losses = functools.partial(self.losses, model)
        return (Update("update", objectives, self.expanded(objectives), losses, through=self.through),)

    def losses(self, model: ActorCriticNetwork, roles: Roles, batch: Experience):
        """The losses to minimise, each a mean over the valid samples.

        Returns: ({objective: [] loss}, {tag: [] diagnostic}).
        """
        log_alpha = model.network.apply(roles[LIVE], {}, (TEMPERATURE,))[TEMPERATURE]
        alpha = tf.stop_gradient(tf.exp(log_alpha))
        losses, diagnostics = self.critic_losses(model, roles, batch)
        policy, entropy = self.policy_loss(model, roles, batch, alpha)
        entropy = batch.mean(tf.stop_gradient(entropy))
        losses |= {
            "policy": batch.mean(policy),
            TEMPERATURE: log_alpha * (entropy - self.wanted_entropy(model)),
        }
        return losses, {**diagnostics, "policy/entropy": entropy, "policy/temperature": alpha}

    def policy_loss(self, model: ActorCriticNetwork, roles: Roles, batch: Experience, alpha: tf.Tensor):
        """L_π and −log π(a|s) of each sample, [B] each."""
        live = roles[LIVE]
        drawn = model.distribution.draw(self.policy(model, live, batch.observation), batch.noise)
        value = self.judged(self.values(model, stopped(live), batch.observation, drawn.action))
        return alpha * drawn.log_prob - value, -drawn.log_prob

    def wanted_entropy(self, model: ActorCriticNetwork) -> float | tf.Tensor:
        """H̄ in nats; by default −1 for each component of an action in [−1, 1], and so larger in a larger box."""
        usual = float(np.sum(np.log(model.distribution.half))) - model.distribution.num_dimensions
        return usual if self.target_entropy is None else self.target_entropy

    def successor_value(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """min_i q̄_i(s', a') − α log π(a'|s'), [B]; see `OffPolicy.successor_value`."""
        live = stopped(roles[LIVE])
        alpha = tf.exp(model.network.apply(live, {}, (TEMPERATURE,))[TEMPERATURE])
        drawn = model.distribution.draw(self.policy(model, live, batch.next_observation), batch.next_noise)
        values = self.values(model, self.target_weights(model, roles), batch.next_observation, drawn.action)
        return self.lowest(values, batch.chosen) - alpha * drawn.log_prob


def bare(name: str, initial: float) -> Head:
    """A head that reads nothing: one number."""
    return Head(lambda seed: BareParameter(name, initial), None)  # noqa: ARG005


def gaussian_policy(space: Box) -> Head:
    """The head of a squashed Gaussian policy: the mean and log σ before the squashing."""
    size = 2 * len(space.low)

    def layer(seed: int) -> keras.Layer:
        return keras.Sequential([linear(size, "parameters", gain=0.01, seed=seed)], name="policy")

    return Head(layer, "policy", distribution=TanhGaussian(space.low, space.high))
