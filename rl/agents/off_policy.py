"""The common part of agents that learn critics of actions from memory."""

import dataclasses
import fnmatch
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.agents.auxiliary import Auxiliary
from rl.agents.beside import losses_beside, with_groups, with_heads
from rl.agents.critics import critic_head, unit_action
from rl.agents.experience import Experience
from rl.agents.from_memory import FromMemory
from rl.agents.phase import Diagnostics, Phase, Roles
from rl.environments import Environment
from rl.errors import require
from rl.estimators import residual_loss
from rl.frozen import Schedule
from rl.gradients import LIVE, Objective
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.randomness import fold, normals, uniforms
from rl.settings import NonNegativeNumber, Number, PositiveInteger, settings
from rl.spaces import Box, Space, Spaces

ACTION = "action"


class Backup(NamedTuple):
    """The critics' target y = r + γ' v(s'), of B samples."""

    reward: tf.Tensor  # r, [B]
    discount: tf.Tensor  # γ', [B]
    value: tf.Tensor  # v(s'), [B]

    @property
    def target(self) -> tf.Tensor:
        """y, [B]; no gradient flows through it."""
        return tf.stop_gradient(self.reward + self.discount * self.value)


@settings
class OffPolicy(FromMemory):
    """Critics q_0, q_1, … of observation and action, a policy on a box, and a frozen copy `target`.

    With `network.shared` the critics read the policy's torso, and without it the observation itself. A subclass defines
    the distribution, the updates and their losses; the fields are described, with unit and range, in
    configs/agent/_off_policy.yaml.
    """

    num_critics: PositiveInteger
    critics_in_target: PositiveInteger
    critic_widths: Annotated[Sequence[PositiveInteger], Field(min_length=1)]
    critic_layer_norm: bool
    detach_policy: bool
    target_encoder: bool
    residual: Annotated[NonNegativeNumber, INPUT] | None
    coefficients: Annotated[Mapping[str, Number], INPUT]
    groups: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]]
    auxiliary: Annotated[Mapping[str, Auxiliary], INPUT] = dataclasses.field(default_factory=dict)
    """{objective: what it is}, beside the agent's own; the config's root key `auxiliary`."""

    objectives: ClassVar[tuple[str, ...]] = ("q", "policy")
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
        known = (*self.critics, *(name for name in self.objectives if name != "q"), *self.auxiliary)
        for group, members in self.groups.items():
            idle = [member for member in members if not fnmatch.filter(known, member)]
            require(not idle, f"agent.groups.{group} has {', '.join(idle)}; the objectives are {', '.join(known)}.")

    @property
    def critics(self) -> tuple[str, ...]:
        """The names of the critics' heads and objectives."""
        return tuple(f"q_{place}" for place in range(self.num_critics))

    @property
    def frozen_roles(self) -> tuple[str, ...]:
        """The roles of the frozen copies that the objectives use."""
        return tuple(dict.fromkeys(("target", *(role for one in self.auxiliary.values() for role in one.frozen_roles))))

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a target copy."""
        require(
            "target" in schedules,
            "the critics' targets come from a frozen copy `target`, and there is none: choose frozen=off_policy.",
        )
        for name, objective in self.auxiliary.items():
            objective.check_frozen(name, schedules)

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """The policy, the critics, and those of auxiliary objectives."""
        self.check_actions(spaces.action)
        critics = {name: self.critic_head(name, spaces.action) for name in self.critics}
        policy = self.policy_head(spaces.action)._replace(detached=self.detach_policy)
        return with_heads({"policy": policy, **critics}, self.auxiliary, spaces)

    def check_actions(self, space: Space) -> None:
        """Raises ConfigError for actions other than those of a box with finite bounds."""
        require(
            isinstance(space, Box) and np.isfinite(space.low).all() and np.isfinite(space.high).all(),
            f"{type(self).__name__} (agent) needs Box actions with finite bounds, and the environment's are a "
            f"{type(space).__name__}{' without' * isinstance(space, Box)}: choose another environment, or for discrete "
            "actions agent=sac_discrete.",
        )

    def policy_head(self, space: Space) -> Head:
        """The head `policy`, with the distribution that it parameterises."""
        raise NotImplementedError

    def critic_head(self, name: str, space: Space) -> Head:
        """The head of a critic: a value of observation and action."""
        layer = functools.partial(critic_head, name, self.critic_widths, layer_norm=self.critic_layer_norm)
        return Head(layer, "critic", {ACTION: space.shape}, reads_observation=True)

    def backup(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> Backup:
        """What the critics' target is made of; gradients may flow to the role `target`, never to the live weights."""
        return Backup(batch.reward, batch.discount, self.successor_value(model, roles, batch))

    def successor_value(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """v(s') of `Backup`, [B]."""
        raise NotImplementedError

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase on replayed steps."""
        for key, usual in (("target_encoder", True), ("detach_policy", False)):
            require(
                getattr(self, key) is usual or "torso" in model.network.parts,
                f"agent.{key} is {str(not usual).lower()}, but nothing is shared: set network.shared=true, or leave it "
                f"{str(usual).lower()}.",
            )
        return super().phases(model, environment)

    def settle(self, model: ActorCriticNetwork, batch: Experience, seed: tf.Tensor) -> Experience:
        """Draws the noise of both actions, and the critics whose minimum is the target."""
        noise = normals(seed, (2, batch.reward.shape[0], model.distribution.num_dimensions))
        return batch._replace(noise=noise[0], next_noise=noise[1], chosen=self.chosen(fold(seed, 1), batch))

    def chosen(self, seed: tf.Tensor, batch: Experience) -> tf.Tensor:
        """[B, N] float, 1 for the critics whose minimum is the target, a random subset of `critics_in_target`."""
        shape = (batch.reward.shape[0], self.num_critics)
        if self.critics_in_target == self.num_critics:
            return tf.ones(shape)
        order = tf.argsort(tf.argsort(uniforms(seed, (self.num_critics,))))
        return tf.broadcast_to(tf.cast(order < self.critics_in_target, tf.float32), shape)

    def values(
        self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, action: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """{critic: its values [B]} of observations [B, ...] and actions [B, d] in the action's units."""
        inputs = {OBSERVATION: observation, ACTION: unit_action(model.distribution, action)}
        return {name: q[:, 0] for name, q in model.network.apply(weights, inputs, self.critics).items()}

    def lowest(self, values: Mapping[str, tf.Tensor], chosen: tf.Tensor | None = None) -> tf.Tensor:
        """The minimum over the critics' values [..., B], or over those that are chosen ([B, N] float), [..., B]."""
        q = tf.stack(list(values.values()), -1)
        return tf.reduce_min(q if chosen is None else tf.where(chosen > 0, q, math.inf), -1)

    def judged(self, values: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """What the policy maximises: the minimum over all critics, or with a random subset in the target their mean.

        The mean is REDQ's (Chen et al. 2021, algorithm 1).
        """
        if self.critics_in_target == self.num_critics:
            return self.lowest(values)
        return tf.add_n(list(values.values())) / len(values)

    def target_weights(self, model: ActorCriticNetwork, roles: Roles) -> Weights:
        """The weights of the target; without `target_encoder` the torsos are the live ones, which get no gradient."""
        if self.target_encoder:
            return roles["target"]
        torsos = {part: own for part, own in roles[LIVE].items() if part not in model.network.heads}
        return {**roles["target"], **stopped(torsos)}

    def critic_losses(
        self, model: ActorCriticNetwork, roles: Roles, batch: Experience
    ) -> tuple[dict[str, tf.Tensor], Diagnostics]:
        """½ (q_i(s, a) − y)² of each critic, auxiliary losses, [] means, and diagnostics; y is of `backup`.

        With `residual` η, η times the gradient through y is added at the target's weights.
        """
        return self.losses_of_critics(model, roles, batch, self.backup(model, roles, batch))

    def losses_of_critics(self, model: ActorCriticNetwork, roles: Roles, batch: Experience, backup: Backup):
        """`critic_losses` with the backup given."""
        taken, y = self.values(model, roles[LIVE], batch.observation, batch.action), backup.target
        errors = {
            name: 0.5 * tf.square(q - y) if self.residual is None else residual_loss(q, *backup, eta=self.residual)
            for name, q in taken.items()
        }
        losses = {name: batch.mean_error(error) for name, error in errors.items()}
        losses |= losses_beside(self.auxiliary, model, roles, batch.of_first_step())
        means = {"value/mean": tf.add_n(list(taken.values())) / len(taken), "value/target_mean": y}
        return losses, {tag: batch.mean(x) for tag, x in means.items()}

    def critic_objectives(self, model: ActorCriticNetwork) -> tuple[Objective, ...]:
        """The objectives of the critics, and the auxiliary ones."""

        def reads(name):
            """{role: the parts that a critic's gradient reaches}; through the target it reaches all critics there."""
            own = model.network.reads
            if self.residual is None:
                return {LIVE: own[name]}
            return {LIVE: own[name], "target": self.one_step_reads(model)["target"]}

        return (
            *(Objective(name, self.coefficients["q"], reads(name)) for name in self.critics),
            *(
                Objective(name, one.coefficient, {LIVE: one.reads(name, model)}, per_sample=one.per_sample)
                for name, one in self.auxiliary.items()
            ),
        )

    @property
    def through(self) -> tuple[str, ...]:
        """The roles through which the critics' gradients flow."""
        return () if self.residual is None else ("target",)

    def one_step_reads(self, model: ActorCriticNetwork) -> Mapping[str, tuple[str, ...]]:
        """See `Agent.one_step_reads`: those of the first critic, and at the target of all critics."""
        reads = model.network.reads
        at_target = dict.fromkeys(part for critic in self.critics for part in reads[critic])
        frozen = [part for part in at_target if self.target_encoder or part in model.network.heads]
        return {LIVE: reads["q_0"], "target": tuple(frozen)}

    def one_step_error(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """r + γ' v(s') − q_0(s, a), [B]; see `Agent.one_step_error`."""
        after = self.successor_value(model, roles, batch)
        taken = self.values(model, roles[LIVE], batch.observation, batch.action)["q_0"]
        return batch.reward + batch.discount * after - taken

    def errors(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """|q − y|, the mean over the critics, [B]."""
        y = self.backup(model, roles, batch).target
        taken = self.values(model, roles[LIVE], batch.observation, batch.action)
        return tf.stop_gradient(tf.add_n([tf.abs(q - y) for q in taken.values()]) / len(taken))

    def expanded(self, objectives: Sequence[Objective]) -> dict[str, tuple[str, ...]]:
        """The configured groups among these objectives, with patterns such as `q_*` expanded; without empty ones.

        Auxiliary objectives join the group of the first critic, unless they name another.
        """
        names = [objective.name for objective in objectives]
        own = {
            group: tuple(name for name in names if any(fnmatch.fnmatch(name, one) for one in members))
            for group, members in self.groups.items()
        }
        usual = next((group for group, members in own.items() if "q_0" in members), "critic")
        beside = {name: one for name, one in self.auxiliary.items() if name in names}
        return {group: members for group, members in with_groups(own, beside, usual).items() if members}


def stopped(weights: Weights) -> Weights:
    """The weights, to which no gradient flows."""
    return {part: tuple(map(tf.stop_gradient, tensors)) for part, tensors in weights.items()}
