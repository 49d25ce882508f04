"""SAC for discrete actions (Christodoulou 2019, arXiv:1910.07207)."""

import functools
import math

import keras
import tensorflow as tf

from rl.agents.critics import critic_head
from rl.agents.experience import Experience
from rl.agents.exploration import White
from rl.agents.off_policy import stopped
from rl.agents.phase import Phase, Roles
from rl.agents.sac import SAC, TEMPERATURE
from rl.distributions import Categorical
from rl.environments import Environment
from rl.errors import require
from rl.gradients import LIVE
from rl.gradients.rows import Weights
from rl.networks import OBSERVATION, ActorCriticNetwork, Head, linear
from rl.randomness import fold
from rl.settings import settings
from rl.spaces import Discrete, Space


@settings
class DiscreteSAC(SAC):
    """SAC whose critics give one value for each action, so that expectations over actions are exact.

    y = r + γ Σ_a π(a|s') (min_i q̄_i(s', a) − α log π(a|s'))    (eq. 10, 11)
    L_π = Σ_a π(a|s) (α log π(a|s) − min_i q_i(s, a))    (eq. 12)

    The entropy that the temperature aims at is by default 0.98 log n, as in the author's code.
    """

    def __post_init__(self):
        super().__post_init__()
        require(
            isinstance(self.exploration, White) and type(self.exploration) is White,
            "with discrete actions the policy's own samples explore: choose agent/exploration=noise.",
        )

    def check_actions(self, space: Space) -> None:
        """Raises ConfigError unless actions are discrete."""
        require(
            isinstance(space, Discrete),
            f"{type(self).__name__} (agent) needs Discrete actions, and the environment's are a "
            f"{type(space).__name__}: choose agent=sac.",
        )

    def policy_head(self, space: Discrete) -> Head:
        """The logits."""

        def layer(seed: int) -> keras.Layer:
            return keras.Sequential([linear(space.n, "logits", gain=0.01, seed=seed)], name="policy")

        return Head(layer, "policy", distribution=Categorical(space.n))

    def critic_head(self, name: str, space: Discrete) -> Head:
        """The head of a critic: the values of all actions of an observation."""
        layer = functools.partial(
            critic_head, name, self.critic_widths, layer_norm=self.critic_layer_norm, size=space.n
        )
        return Head(layer, "critic", reads_observation=True)

    def noise(self, model: ActorCriticNetwork, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """The noise of the policy's samples."""
        return model.distribution.noise(shape, seed)

    def act(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, noise: tf.Tensor, step):
        """A sample of the policy; in the first `warmup_steps` environment steps all actions are equally likely."""
        policy = self.policy(model, weights, observation)
        return model.distribution.sample(tf.where(self.is_warming_up(step), 0.0, policy), noise), policy

    def settle(self, model: ActorCriticNetwork, batch: Experience, seed: tf.Tensor) -> Experience:
        """Draws the critics whose minimum is the target; there is no other randomness."""
        return batch._replace(chosen=self.chosen(fold(seed, 1), batch))

    def all_values(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> dict[str, tf.Tensor]:
        """{critic: the values of all actions, [B, n]}."""
        return model.network.apply(weights, {OBSERVATION: observation}, self.critics)

    def values(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, action: tf.Tensor):
        """{critic: its values [B]} of observations [B, ...] and actions [B]."""
        every = self.all_values(model, weights, observation)
        return {name: tf.gather(q, action, batch_dims=1) for name, q in every.items()}

    def policy_loss(self, model: ActorCriticNetwork, roles: Roles, batch: Experience, alpha: tf.Tensor):
        """L_π and the entropy of π(·|s) at each sample, [B] each."""
        live = roles[LIVE]
        log_p = tf.nn.log_softmax(self.policy(model, live, batch.observation))
        value = self.judged(self.all_values(model, stopped(live), batch.observation))
        entropy = -tf.reduce_sum(tf.exp(log_p) * log_p, -1)
        return -alpha * entropy - tf.reduce_sum(tf.exp(log_p) * value, -1), entropy

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """See `OffPolicy.phases`; ConfigError for a target entropy that no distribution of this many actions has."""
        count = model.distribution.num_parameters
        require(
            self.target_entropy is None or self.target_entropy < math.log(count),
            f"agent.target_entropy is {self.target_entropy}; of {count} actions the entropy is at most log {count} = "
            f"{math.log(count):.3f}, so it must be below it.",
        )
        return super().phases(model, environment)

    def wanted_entropy(self, model: ActorCriticNetwork) -> float | tf.Tensor:
        """H̄ in nats; by default 0.98 log n."""
        usual = 0.98 * math.log(model.distribution.num_parameters)
        return usual if self.target_entropy is None else self.target_entropy

    def successor_value(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """Σ_a π(a|s') (min_i q̄_i(s', a) − α log π(a|s')), [B]; see `OffPolicy.successor_value`."""
        live = stopped(roles[LIVE])
        alpha = tf.exp(model.network.apply(live, {}, (TEMPERATURE,))[TEMPERATURE])
        log_p = tf.nn.log_softmax(self.policy(model, live, batch.next_observation))
        values = self.all_values(model, self.target_weights(model, roles), batch.next_observation)
        return tf.reduce_sum(tf.exp(log_p) * (self.lowest(values, batch.chosen[:, None]) - alpha * log_p), -1)
