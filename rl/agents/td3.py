"""TD3: twin delayed deterministic policy gradients (Fujimoto et al. 2018, arXiv:1802.09477)."""

import functools
from typing import Annotated

import keras
import tensorflow as tf

from rl.agents.experience import Experience
from rl.agents.off_policy import OffPolicy, stopped
from rl.agents.phase import Roles, Update
from rl.distributions import Deterministic, Squashed
from rl.gradients import LIVE, Objective
from rl.inputs import INPUT
from rl.networks import ActorCriticNetwork, Head, linear
from rl.settings import NonNegativeNumber, PositiveInteger, settings
from rl.spaces import Box


@settings
class TD3(OffPolicy):
    """Update `critic` with objectives q_0, q_1, …, and update `actor` with objective policy in every second round.

    y = r + γ min_i q̄_i(s', ã),  ã = clip(π̄(s') + clip(ε, ±c), box)    (algorithm 1)
    L_q = ½ (q_i(s, a) − y)²,  L_π = −q_0(s, π(s))

    The critic in L_π is at weights that no gradient reaches. The target copies critics and policy, and follows the
    actor's updates. One critic, no smoothing noise and `actor_every: 1` is DDPG (Lillicrap et al. 2016).
    """

    exploration_noise: Annotated[NonNegativeNumber, INPUT]
    target_noise: Annotated[NonNegativeNumber, INPUT]
    target_noise_clip: Annotated[NonNegativeNumber, INPUT]
    actor_every: PositiveInteger

    def policy_head(self, space: Box) -> Head:
        """The action before the squashing."""
        size = len(space.low)

        def layer(seed: int) -> keras.Layer:
            return keras.Sequential([linear(size, "action", gain=0.01, seed=seed)], name="policy")

        return Head(layer, "policy", distribution=Deterministic(space.low, space.high))

    def explore(self, box: Squashed, policy: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
        """The action plus noise, clipped to the box; the noise is in units of half the box's width."""
        return box.within(tf.clip_by_value(tf.tanh(policy) + self.exploration_noise * epsilon, -1.0, 1.0))

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """The critics' update, and the actor's."""
        critics = self.critic_objectives(model)
        policy = (Objective("policy", self.coefficients["policy"], {LIVE: model.network.reads["policy"]}),)
        return (
            Update(
                "critic",
                critics,
                self.expanded(critics),
                functools.partial(self.critic_losses, model),
                through=self.through,
            ),
            Update(
                "actor",
                policy,
                self.expanded(policy),
                functools.partial(self.actor_losses, model),
                every_rounds=self.actor_every,
            ),
        )

    def actor_losses(self, model: ActorCriticNetwork, roles: Roles, batch: Experience):
        """({`policy`: [] loss}, {}), the mean over the valid samples."""
        live = roles[LIVE]
        action = model.distribution.mode(self.policy(model, live, batch.observation))
        q = self.values(model, stopped(live), batch.observation, action)["q_0"]
        return {"policy": -batch.mean(q)}, {}

    def successor_value(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """min_i q̄_i(s', ã), [B]; see `OffPolicy.successor_value`."""
        target, bound = self.target_weights(model, roles), self.target_noise_clip
        unit = tf.tanh(self.policy(model, stopped(roles["target"]), batch.next_observation))
        unit += tf.clip_by_value(self.target_noise * batch.next_noise, -bound, bound)
        action = model.distribution.within(tf.clip_by_value(unit, -1.0, 1.0))
        return self.lowest(self.values(model, target, batch.next_observation, action), batch.chosen)
