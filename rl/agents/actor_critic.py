"""The common part of A2C, PPO, IMPALA and PPG: advantages from values at `baseline`, and three objectives or more."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import tensorflow as tf
from pydantic import Field

from rl.agents.agent import Agent
from rl.agents.auxiliary import Auxiliary
from rl.agents.beside import losses_beside, with_groups, with_heads
from rl.agents.bootstrap import Bootstrap
from rl.agents.phase import Diagnostics, Phase, Roles, Update
from rl.agents.preparing import prepared
from rl.agents.samples import Batch, Steps
from rl.agents.semi_gradient import SemiGradient
from rl.environments import Environment
from rl.errors import require
from rl.estimators import (
    clipped_value_loss,
    gae,
    huber_value_loss,
    masked_mean,
    squared_value_loss,
    standardize,
)
from rl.frozen import Schedule, Snapshot
from rl.gradients import LIVE, Objective
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.settings import Number, PositiveInteger, PositiveNumber, Share, settings
from rl.sources import Newest
from rl.spaces import Spaces


@settings
class ActorCritic(Agent):
    """Objectives policy, value and entropy on one batch of trajectories; a subclass defines the policy loss.

    It may add objectives: their names to `objectives`, heads of the same names to `heads`, their losses to `losses`.
    The fields are described, with unit and range, in configs/agent/_actor_critic.yaml, a2c.yaml and ppo.yaml.
    """

    objectives: ClassVar[tuple[str, ...]] = ("policy", "value", "entropy")
    """Each has a coefficient. All are named after the head that they read, but for `entropy`, which reads `policy`."""

    baseline: ClassVar[str] = "behaviour"
    """The role whose values are the baseline; `live` are the weights before the iteration's learning."""

    gamma: Annotated[Share, INPUT]
    lambda_: Annotated[Share, INPUT]
    rollout_length: PositiveInteger
    epochs: PositiveInteger
    minibatches: PositiveInteger
    normalize_advantage: bool
    value_loss: Literal["squared", "clipped", "huber"]
    value_clip: Annotated[PositiveNumber, INPUT]
    huber_delta: Annotated[PositiveNumber, INPUT]
    coefficients: Annotated[Mapping[str, Number], INPUT]
    groups: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]]
    bootstrap: Bootstrap
    differentiate_at: Literal["live", "behaviour"]
    auxiliary: Annotated[Mapping[str, Auxiliary], INPUT] = dataclasses.field(default_factory=dict)
    """{objective: what it is}, beside the agent's own; the config's root key `auxiliary`."""

    def __post_init__(self):
        require(
            sorted(self.coefficients) == sorted(self.objectives),
            f"agent.coefficients has {sorted(self.coefficients)}; it needs {', '.join(self.objectives)}, and no "
            "other (that of an auxiliary objective is auxiliary.<name>.coefficient).",
        )
        require(
            isinstance(self.bootstrap, SemiGradient) or self.value_loss == "squared",
            f"agent.value_loss is {self.value_loss!r}; this agent/bootstrap has the squared one-step "
            "TD error for the value: set agent.value_loss=squared, or choose agent/bootstrap=semi_gradient.",
        )
        taken = {*self.objectives, *self.bootstrap.auxiliary} & set(self.auxiliary)
        require(not taken, f"auxiliary has an objective {', '.join(taken)}, which the agent has itself; rename it.")

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a behaviour snapshot, or without a target copy that the value bootstraps from."""
        require(
            isinstance(schedules.get("behaviour"), Snapshot) and schedules["behaviour"].before is None,
            "the agent needs a frozen copy `behaviour` with schedule rl.frozen.Snapshot (frozen.behaviour), taken "
            "before every iteration (before: null).",
        )
        self.check_target(schedules)

    def check_target(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a copy that the value bootstraps from, or that an auxiliary objective needs."""
        for name, objective in self.beside.items():
            objective.check_frozen(name, schedules)
        require(
            self.bootstrap.of == "live" or "target" in schedules,
            "the value bootstraps from a frozen copy `target` (agent.bootstrap), and there is none: choose "
            "frozen=target_polyak or frozen=target_hard (with frozen.target.every_updates=1 it is as new as the live "
            "weights), or add '+frozen.target={_target_:rl.frozen.Polyak,tau:0.005}'.",
        )

    @property
    def frozen_roles(self) -> tuple[str, ...]:
        """The roles of the frozen copies that the objectives use."""
        own = ("behaviour",) if self.bootstrap.of == "live" else ("behaviour", "target")
        return tuple(dict.fromkeys((*own, *(role for one in self.beside.values() for role in one.frozen_roles))))

    @property
    def beside(self) -> dict[str, Auxiliary]:
        """The objectives beside the agent's own, {name: objective}: those of the bootstrap, and `auxiliary`."""
        return {**self.bootstrap.auxiliary, **self.auxiliary}

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """The heads `policy` and `value`, and those of auxiliary objectives."""
        return with_heads({"policy": Head(torso="policy"), "value": Head()}, self.beside, spaces)

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The policy head's output, [N, P]."""
        return model.network.apply(weights, {OBSERVATION: observation}, ("policy",))["policy"]

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase of one update: all epochs over the newest trajectory."""
        reads = self.reads(model)
        if silent := sorted({*self.coefficients} - {*reads}):
            raise ValueError(f"objective {', '.join(silent)} has no entry in `reads`: name the parts that it reads.")
        coefficients = {**self.coefficients, **{name: one.coefficient for name, one in self.beside.items()}}
        update = Update(
            name="update",
            objectives=tuple(
                Objective(name, coefficient, reads[name], per_sample=self._is_per_sample(name))
                for name, coefficient in coefficients.items()
            ),
            groups=self._groups(),
            losses=functools.partial(self.losses, model),
            at=self.differentiate_at,
            through=self.bootstrap.through,
        )
        return (
            Phase(
                name="update",
                source=Newest(self.epochs, self.minibatches),
                prepare=functools.partial(prepared, self, model, environment),
                settle=self._settle,
                updates=(update,),
                stop=self.stop,
            ),
        )

    def reads(self, model: ActorCriticNetwork) -> dict[str, dict[str, tuple[str, ...]]]:
        """{objective: {role: the parts that its gradient reaches}}."""
        reads = {name: {LIVE: parts} for name, parts in model.network.reads.items()}
        reads["entropy"] = reads["policy"]
        if self.bootstrap.through:
            reads["value"] |= dict.fromkeys(self.bootstrap.through, reads["value"][LIVE])
        return reads | {name: {LIVE: one.reads(name, model)} for name, one in self.beside.items()}

    def _is_per_sample(self, name: str) -> bool:
        return name not in self.beside or self.beside[name].per_sample

    def outputs(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> dict[str, tf.Tensor]:
        """The outputs that the agent's own losses are made of, {head: [B, ...]}."""
        heads = ("policy", "value", *self.bootstrap.auxiliary)
        return model.network.apply(weights, {OBSERVATION: observation}, heads)

    def _groups(self) -> dict[str, tuple[str, ...]]:
        """The configured groups, which auxiliary objectives join."""
        of_value = next((group for group, members in self.groups.items() if "value" in members), "value")
        return with_groups(self.groups, self.beside, of_value)

    def policy_loss(self, log_prob: tf.Tensor, batch: Batch, advantage: tf.Tensor) -> tuple[tf.Tensor, Diagnostics]:
        """The policy loss of each sample.

        Args: log_prob: [B], log π(a|s) at the weights that gradients are taken at; advantage: [B].
        Returns: (loss [B], {tag: [B] diagnostic of each sample}).
        """
        raise NotImplementedError

    @property
    def stop(self) -> Callable[[Diagnostics], tf.Tensor] | None:
        """None: a phase never stops early; see `Phase.stop`."""
        return None

    def estimates(self, steps: Steps, log_prob: tf.Tensor, extras: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Value targets and advantages, [T, N] each: the λ-return and generalised advantage estimation.

        Args: log_prob: [T, N], of the actions at `baseline`; extras: of the trajectory.
        """
        advantage = gae(*steps)
        return advantage + steps.v_tm1, advantage

    def _settle(self, batch: Batch, seed: tf.Tensor) -> Batch:
        """Standardises the advantages of a minibatch, if configured."""
        if not self.normalize_advantage:
            return batch
        return batch._replace(advantage=standardize(batch.advantage, batch.valid))

    def losses(self, model: ActorCriticNetwork, roles: Roles, batch: Batch):
        """The losses to minimise, each a mean over the valid samples; that of `entropy` is the negative entropy.

        Returns: ({objective: [] loss}, {tag: [] diagnostic}).
        """
        outputs = self.outputs(model, roles[LIVE], batch.observation)
        log_prob = model.distribution.log_prob(outputs["policy"], batch.action)
        policy_loss, diagnostics = self.policy_loss(log_prob, batch, batch.advantage)
        entropy = masked_mean(model.distribution.entropy(outputs["policy"]), batch.valid)
        losses = {"policy": masked_mean(policy_loss, batch.valid)}
        if not self.bootstrap.through:
            losses["value"] = masked_mean(self._value_loss(outputs["value"][:, 0], batch), batch.valid)
        else:
            successor = {OBSERVATION: batch.next_observation}
            v_t = model.network.apply(roles[self.bootstrap.of], successor, ("value",))["value"][:, 0]
            losses["value"] = self.bootstrap.loss(outputs, v_t, batch)
        losses["entropy"] = -entropy
        losses |= losses_beside(self.beside, model, roles, batch)
        averages = {tag: masked_mean(x, batch.valid) for tag, x in diagnostics.items()}
        return losses, {**averages, "policy/entropy": entropy}

    def _value_loss(self, v: tf.Tensor, batch: Batch) -> tf.Tensor:
        """The configured loss of the values v [B], [B]."""
        if self.value_loss == "clipped":
            return clipped_value_loss(v, batch.target, batch.value, clip=self.value_clip)
        if self.value_loss == "huber":
            return huber_value_loss(v, batch.target, delta=self.huber_delta)
        return squared_value_loss(v, batch.target)
