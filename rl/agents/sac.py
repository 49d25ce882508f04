"""SAC: soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905)."""

import fnmatch
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.agents.agent import Agent
from rl.agents.critics import critic_head, unit_action
from rl.agents.phase import Diagnostics, Phase, Roles, Update
from rl.distributions import TanhGaussian
from rl.environments import Environment, Trajectory
from rl.errors import require
from rl.estimators import masked_mean, n_step_transitions
from rl.frozen import Schedule
from rl.gradients import LIVE, Objective
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head, linear
from rl.networks.bare import BareParameter
from rl.randomness import normals, uniforms
from rl.settings import NonNegativeInteger, Number, PositiveInteger, PositiveNumber, Share, settings
from rl.sources import Replay
from rl.spaces import Box, Spaces

ACTION, TEMPERATURE = "action", "temperature"


class Experience(NamedTuple):
    """B samples from memory; no gradient flows through any field."""

    observation: tf.Tensor  # [B, ...]
    action: tf.Tensor  # [B, d], in the action's units
    reward: tf.Tensor  # [B], the sum of up to n discounted rewards
    discount: tf.Tensor  # [B], γ to the number of steps, or 0 where the episode terminated
    next_observation: tf.Tensor  # [B, ...], after these steps
    valid: tf.Tensor  # [B] float, 1, or 0 for a step that was spent on a reset
    noise: tf.Tensor = ()  # [B, d], of the policy's action at the observation
    next_noise: tf.Tensor = ()  # [B, d], of that at the next observation
    chosen: tf.Tensor = ()  # [N] float, 1 for the critics in the minimum of the target


@settings
class SAC(Agent):
    """Objectives q_0, q_1, …, policy and temperature on one minibatch; a frozen copy `target` of the critics.

    y = r + γ (min_i q̄_i(s', a') − α log π(a'|s')), a' ~ π(·|s')    (eq. 3, 5)
    L_q = ½ (q_i(s, a) − y)²,  L_π = α log π(a|s) − min_i q_i(s, a), a ~ π(·|s)    (eq. 5, 7)
    L_α = −log α (log π(a|s) + H̄)    (eq. 18, in log α as in the authors' code)

    The critics in L_π are at weights that no gradient reaches, features included: only through the action does it
    depend on them. All objectives are taken at the same weights. With `network.shared` the critics read the policy's
    torso, and without it the observation itself. A subset of the critics in the target's minimum is REDQ's (Chen et al.
    2021, arXiv:2101.05982).
    """

    gamma: Annotated[Share, INPUT]
    rollout_length: PositiveInteger
    ticks: PositiveInteger
    capacity: PositiveInteger
    batch_size: PositiveInteger
    update_to_data: PositiveNumber
    warmup_steps: NonNegativeInteger
    n_step: PositiveInteger
    num_critics: PositiveInteger
    critics_in_target: PositiveInteger
    critic_widths: Annotated[Sequence[PositiveInteger], Field(min_length=1)]
    critic_layer_norm: bool
    initial_temperature: PositiveNumber
    target_entropy: Annotated[Number, INPUT] | None
    coefficients: Annotated[Mapping[str, Number], INPUT]
    groups: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]]

    frozen_roles = ("target",)

    def __post_init__(self):
        require(
            self.critics_in_target <= self.num_critics,
            f"agent.critics_in_target is {self.critics_in_target}; it must be at most agent.num_critics, "
            f"{self.num_critics}.",
        )
        require(
            sorted(self.coefficients) == ["policy", "q", TEMPERATURE],
            f"agent.coefficients has {sorted(self.coefficients)}; it needs policy, q and temperature, and no other.",
        )

    @property
    def critics(self) -> tuple[str, ...]:
        """The names of the critics' heads and objectives."""
        return tuple(f"q_{place}" for place in range(self.num_critics))

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a target copy."""
        require("target" in schedules, "the critics' targets come from a frozen copy `target`: choose frozen=sac.")

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """The policy's mean and log σ, the critics of observation and action, and log α."""
        space = spaces.action
        require(
            isinstance(space, Box) and np.isfinite(space.low).all() and np.isfinite(space.high).all(),
            "agent=sac needs continuous actions with finite bounds; choose another environment or agent.",
        )
        (size,) = space.shape

        def policy(seed: int):
            return keras.Sequential([linear(2 * size, "parameters", gain=0.01, seed=seed)], name="policy")

        heads = {"policy": Head(policy, "policy", distribution=TanhGaussian(space.low, space.high))}
        for name in self.critics:
            layer = functools.partial(critic_head, name, self.critic_widths, layer_norm=self.critic_layer_norm)
            heads[name] = Head(layer, "critic", {ACTION: (size,)}, reads_observation=True)
        initial = math.log(self.initial_temperature)
        heads[TEMPERATURE] = Head(lambda seed: BareParameter(TEMPERATURE, initial), None)  # noqa: ARG005
        return heads

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """μ and log σ before the squashing, [N, 2d]."""
        return model.network.apply(weights, {OBSERVATION: observation}, ("policy",))["policy"]

    def sample(self, model: ActorCriticNetwork, policy: tf.Tensor, noise: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """A sample of the policy; in the first `warmup_steps` environment steps one that is uniform in the box."""
        box = model.distribution
        middle, half = (tf.constant(x, noise.dtype) for x in (box.middle, box.half))
        uniform = middle + half * tf.math.erf(noise / math.sqrt(2.0))
        return tf.where(step < float(self.warmup_steps), uniform, box.sample(policy, noise))

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase of one update on replayed steps."""
        steps = self.rollout_length * environment.num_envs
        reads = model.network.reads
        objectives = [Objective(name, self.coefficients["q"], {LIVE: reads[name]}) for name in self.critics]
        objectives += [
            Objective(name, self.coefficients[name], {LIVE: reads[name]}) for name in ("policy", TEMPERATURE)
        ]
        update = Update(
            name="update",
            objectives=tuple(objectives),
            groups=self._groups([objective.name for objective in objectives]),
            losses=functools.partial(self.losses, model),
        )
        return (
            Phase(
                name="update",
                source=Replay(
                    capacity=self.capacity,
                    batch=self.batch_size,
                    rounds=max(1, round(self.update_to_data * steps)),
                    length=self.n_step,
                ),
                updates=(update,),
                prepare=self.prepare,
                settle=functools.partial(self.settle, environment.action_space.shape[0]),
                starts_at=-(-self.warmup_steps // (steps * self.ticks)),
            ),
        )

    def prepare(self, roles: Roles, windows: Trajectory) -> tuple[Experience, Diagnostics]:
        """n-step transitions of windows [B, n, ...]."""
        found = n_step_transitions(windows.reward, windows.terminated, windows.truncated, gamma=self.gamma)
        successor = tf.gather(windows.next_observation, found.last, batch_dims=1)
        return Experience(
            windows.observation[:, 0],
            windows.action[:, 0],
            found.reward,
            found.discount,
            successor,
            tf.cast(windows.valid[:, 0], tf.float32),
        ), {}

    def settle(self, size: int, batch: Experience, seed: tf.Tensor) -> Experience:
        """Draws the noise of both actions, and the critics whose minimum is the target."""
        count = batch.reward.shape[0]
        noise = normals(seed, (2, count, size))
        order = tf.argsort(uniforms(seed, (self.num_critics,))) if self.critics_in_target < self.num_critics else None
        chosen = tf.ones(self.num_critics) if order is None else tf.cast(order < self.critics_in_target, tf.float32)
        return batch._replace(noise=noise[0], next_noise=noise[1], chosen=chosen)

    def losses(self, model: ActorCriticNetwork, roles: Roles, batch: Experience):
        """The losses to minimise, each a mean over the valid samples.

        Returns: ({objective: [] loss}, {tag: [] diagnostic}).
        """
        network, live = model.network, roles[LIVE]
        stopped = tf.nest.map_structure(tf.stop_gradient, dict(live))
        log_alpha = network.apply(live, {}, (TEMPERATURE,))[TEMPERATURE]
        alpha = tf.stop_gradient(tf.exp(log_alpha))
        drawn = model.distribution.draw(self.policy(model, live, batch.observation), batch.noise)
        target = tf.stop_gradient(self._target(model, roles, stopped, batch, alpha))
        action = unit_action(model.distribution, batch.action)
        taken = network.apply(live, {OBSERVATION: batch.observation, ACTION: action}, self.critics)
        losses = {name: masked_mean(0.5 * tf.square(q[:, 0] - target), batch.valid) for name, q in taken.items()}
        inputs = {OBSERVATION: batch.observation, ACTION: unit_action(model.distribution, drawn.action)}
        lowest = tf.reduce_min(tf.concat(list(network.apply(stopped, inputs, self.critics).values()), -1), -1)
        losses["policy"] = masked_mean(alpha * drawn.log_prob - lowest, batch.valid)
        entropy = -masked_mean(tf.stop_gradient(drawn.log_prob), batch.valid)
        wanted = -float(batch.action.shape[-1]) if self.target_entropy is None else self.target_entropy
        losses[TEMPERATURE] = log_alpha * (entropy - wanted)
        q = tf.concat([taken[name] for name in self.critics], -1)
        return losses, {
            "policy/entropy": entropy,
            "policy/temperature": alpha,
            "value/mean": masked_mean(tf.reduce_mean(q, -1), batch.valid),
            "value/target_mean": masked_mean(target, batch.valid),
        }

    def _target(self, model: ActorCriticNetwork, roles: Roles, live: Weights, batch: Experience, alpha) -> tf.Tensor:
        """y, [B]."""
        drawn = model.distribution.draw(self.policy(model, live, batch.next_observation), batch.next_noise)
        inputs = {OBSERVATION: batch.next_observation, ACTION: unit_action(model.distribution, drawn.action)}
        q = tf.concat(list(model.network.apply(roles["target"], inputs, self.critics).values()), -1)
        lowest = tf.reduce_min(tf.where(batch.chosen > 0, q, math.inf), -1)
        return batch.reward + batch.discount * (lowest - alpha * drawn.log_prob)

    def _groups(self, objectives: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The configured groups, with patterns such as `q_*` expanded."""
        return {
            group: tuple(name for name in objectives if any(fnmatch.fnmatch(name, one) for one in members))
            for group, members in self.groups.items()
        }
