"""The common part of agents that learn critics of actions from memory."""

import fnmatch
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.agents.agent import Agent
from rl.agents.critics import critic_head, unit_action
from rl.agents.phase import Diagnostics, Phase, Roles, Update
from rl.distributions import Squashed
from rl.environments import Environment, Trajectory
from rl.errors import require
from rl.estimators import n_step_transitions
from rl.frozen import Schedule
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.randomness import normals, uniforms
from rl.settings import NonNegativeInteger, Number, PositiveInteger, PositiveNumber, Share, settings
from rl.sources import Replay
from rl.spaces import Box, Spaces

ACTION = "action"


class Experience(NamedTuple):
    """B samples from memory; no gradient flows through any field."""

    observation: tf.Tensor  # [B, ...]
    action: tf.Tensor  # [B, d], in the action's units
    reward: tf.Tensor  # [B], the sum of up to n discounted rewards
    discount: tf.Tensor  # [B], γ to the number of steps, or 0 where the episode terminated
    next_observation: tf.Tensor  # [B, ...], after these steps
    valid: tf.Tensor  # [B] float, 1, or 0 for a step that was spent on a reset
    noise: tf.Tensor = ()  # [B, d] standard normal, for the policy's action at the observation
    next_noise: tf.Tensor = ()  # [B, d] standard normal, for that at the next observation
    chosen: tf.Tensor = ()  # [N] float, 1 for the critics in the minimum of the target


@settings
class OffPolicy(Agent):
    """Critics q_0, q_1, … of observation and action, a policy on a box, and a frozen copy `target`.

    With `network.shared` the critics read the policy's torso, and without it the observation itself. A subclass defines
    the distribution, the updates and their losses; the fields are described, with unit and range, in
    configs/agent/_off_policy.yaml.
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
    coefficients: Annotated[Mapping[str, Number], INPUT]
    groups: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]]

    frozen_roles = ("target",)
    objectives = ("q", "policy")
    """Names of the coefficients; `q` is that of every critic."""

    def __post_init__(self):
        require(
            self.critics_in_target <= self.num_critics,
            f"agent.critics_in_target is {self.critics_in_target}; it must be at most agent.num_critics, "
            f"{self.num_critics}.",
        )
        require(
            sorted(self.coefficients) == sorted(self.objectives),
            f"agent.coefficients has {sorted(self.coefficients)}; it needs {', '.join(self.objectives)}, and no other.",
        )

    @property
    def critics(self) -> tuple[str, ...]:
        """The names of the critics' heads and objectives."""
        return tuple(f"q_{place}" for place in range(self.num_critics))

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a target copy."""
        require(
            "target" in schedules,
            "the critics' targets come from a frozen copy `target`, and there is none: choose frozen=off_policy.",
        )

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """The policy, and the critics of observation and action."""
        space = spaces.action
        require(
            isinstance(space, Box) and np.isfinite(space.low).all() and np.isfinite(space.high).all(),
            "this agent needs continuous actions with finite bounds; choose another environment or agent.",
        )
        (size,) = space.shape
        heads = {"policy": self.policy_head(space)}
        for name in self.critics:
            layer = functools.partial(critic_head, name, self.critic_widths, layer_norm=self.critic_layer_norm)
            heads[name] = Head(layer, "critic", {ACTION: (size,)}, reads_observation=True)
        return heads

    def policy_head(self, space: Box) -> Head:
        """The head `policy`, with the distribution that it parameterises."""
        raise NotImplementedError

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """The updates made from each minibatch, in order."""
        raise NotImplementedError

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The policy head's output, [N, P]."""
        return model.network.apply(weights, {OBSERVATION: observation}, ("policy",))["policy"]

    def sample(self, model: ActorCriticNetwork, policy: tf.Tensor, noise: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """An exploring action; in the first `warmup_steps` environment steps one that is uniform in the box."""
        box = model.distribution
        uniform = box.within(tf.math.erf(noise / math.sqrt(2.0)))
        return tf.where(step < float(self.warmup_steps), uniform, self.explore(box, policy, noise))

    def explore(self, box: Squashed, policy: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """An action [N, d] that explores, from standard normal noise; by default a sample of the policy."""
        return box.sample(policy, noise)

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase on replayed steps."""
        steps = self.rollout_length * environment.num_envs
        return (
            Phase(
                name="update",
                source=Replay(
                    capacity=self.capacity,
                    batch=self.batch_size,
                    rounds=max(1, round(self.update_to_data * steps)),
                    length=self.n_step,
                ),
                updates=self.updates(model),
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

    def values(
        self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, action: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """{critic: its values [B]} of observations [B, ...] and actions [B, d] in the action's units."""
        inputs = {OBSERVATION: observation, ACTION: unit_action(model.distribution, action)}
        return {name: q[:, 0] for name, q in model.network.apply(weights, inputs, self.critics).items()}

    def lowest(self, values: Mapping[str, tf.Tensor], chosen: tf.Tensor | None = None) -> tf.Tensor:
        """The minimum over the critics, or over those that are chosen ([N] float), [B]."""
        q = tf.stack(list(values.values()), -1)
        return tf.reduce_min(q if chosen is None else tf.where(chosen > 0, q, math.inf), -1)

    def expanded(self, objectives: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The configured groups among these objectives, with patterns such as `q_*` expanded; without empty ones."""
        groups = {
            group: tuple(name for name in objectives if any(fnmatch.fnmatch(name, one) for one in members))
            for group, members in self.groups.items()
        }
        return {group: members for group, members in groups.items() if members}
