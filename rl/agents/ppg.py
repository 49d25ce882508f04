"""PPG: phasic policy gradient (Cobbe et al. 2021, arXiv:2009.04416)."""

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import tensorflow as tf
from pydantic import Field

from rl.agents.phase import Diagnostics, Phase, Roles, Update
from rl.agents.ppo import PPO
from rl.agents.samples import Batch
from rl.environments import Environment
from rl.errors import require
from rl.estimators import masked_mean, squared_value_loss
from rl.frozen import Schedule, Snapshot
from rl.gradients import LIVE, Objective
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head, scalar_head
from rl.settings import NonNegativeNumber, PositiveInteger, settings
from rl.sources import Recent
from rl.spaces import Spaces

_AUXILIARY = "auxiliary"


@settings
class PPG(PPO):
    """PPO's phase in every iteration, and an auxiliary phase in every N-th on the samples of the last N.

    Auxiliary phase (eq. 4): the value error at the policy phase's targets moves the policy's torso, while the policy is
    held to the frozen copy `anchor`, taken before the phase, by β KL(π_anchor, π). The value is fitted further.

    Form `single`: policy and value on one torso. In the policy phase the value's gradient stops before it; in the
    auxiliary phase it does not, and there is no auxiliary head. Form `dual`: two torsos, and an auxiliary value head on
    the policy's.
    """

    form: Literal["single", "dual"]
    """One torso (`network.shared=true`), or two."""
    detach_value: bool
    """Form `single`: whether the value's gradient stops before the torso in the policy phase; no effect in `dual`."""
    auxiliary_every: PositiveInteger
    """N, iterations from one auxiliary phase to the next; the samples of all of them are kept."""
    auxiliary_epochs: PositiveInteger
    """Passes over those samples."""
    auxiliary_minibatches: PositiveInteger | None
    """Minibatches per pass; divides the number of samples. None: half as large as those of the policy phase."""
    clone: Annotated[NonNegativeNumber, INPUT]
    """β, weight of the KL divergence."""
    auxiliary_groups: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]]
    """The groups of the auxiliary phase's objectives; form `single` leaves out `auxiliary_value`."""

    def __post_init__(self):
        super().__post_init__()
        require(
            not self.bootstrap.through,
            "agent=ppg stops or splits the value's gradient, and agent/bootstrap lets it flow through a frozen copy: "
            "choose agent/bootstrap=semi_gradient.",
        )

    @property
    def frozen_roles(self) -> tuple[str, ...]:
        """PPO's, and `anchor`."""
        return (*super().frozen_roles, "anchor")

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError without a behaviour snapshot, or an anchor taken before the auxiliary phase."""
        super().check_frozen(schedules)
        anchor = schedules.get("anchor")
        require(
            isinstance(anchor, Snapshot) and anchor.before == _AUXILIARY,
            "the agent needs a frozen copy `anchor` with schedule rl.frozen.Snapshot (frozen.anchor) and before: "
            "auxiliary (frozen.anchor.before): choose frozen=ppg, which any further copy is added to by "
            "'+frozen.target={_target_:rl.frozen.Polyak,tau:0.005}'.",
        )

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """PPO's, and in the form `dual` an auxiliary value head on the policy's torso."""
        head = Head(scalar_head("auxiliary_value"), torso="policy")
        return {**super().heads(spaces), **({"auxiliary_value": head} if self.form == "dual" else {})}

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """PPO's phase, and the auxiliary one."""
        is_shared = "torso" in model.network.parts
        require(
            is_shared == (self.form == "single"),
            f"agent.form is {self.form!r}, but network.shared is {str(is_shared).lower()}; form single needs one torso "
            "for policy and value, dual needs two.",
        )
        (policy_phase,) = super().phases(model, environment)
        reads = model.network.reads
        objectives = [
            Objective("refit", 1.0, {LIVE: reads["value"]}),
            Objective("clone", self.clone, {LIVE: reads["policy"]}),
        ]
        if self.form == "dual":
            objectives.append(Objective("auxiliary_value", 1.0, {LIVE: reads["auxiliary_value"]}))
        update = Update(
            name=_AUXILIARY,
            objectives=tuple(objectives),
            groups=self._auxiliary_groups([objective.name for objective in objectives]),
            losses=functools.partial(self._auxiliary_losses, model),
        )
        auxiliary = Phase(
            name=_AUXILIARY,
            source=Recent(
                iterations=self.auxiliary_every,
                epochs=self.auxiliary_epochs,
                minibatches=self.auxiliary_minibatches or 2 * self.minibatches * self.auxiliary_every,
                of=policy_phase.name,
                fields=("observation", "target", "valid"),
            ),
            updates=(update,),
            every_iterations=self.auxiliary_every,
        )
        return policy_phase, auxiliary

    def reads(self, model: ActorCriticNetwork) -> dict[str, dict[str, tuple[str, ...]]]:
        """PPO's; a detached value reads its head alone."""
        reads = super().reads(model)
        return {**reads, "value": {LIVE: ("value",)}} if self._is_detached else reads

    def outputs(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> dict[str, tf.Tensor]:
        """PPO's, the value from features that no gradient flows to, if configured."""
        if not self._is_detached:
            return super().outputs(model, weights, observation)
        network, inputs = model.network, {OBSERVATION: observation}
        inputs |= network.apply(weights, inputs, ("torso",))
        features = {"torso": tf.stop_gradient(inputs["torso"])}
        return {**network.apply(weights, inputs, ("policy",)), **network.apply(weights, features, ("value",))}

    def _auxiliary_groups(self, objectives: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """`auxiliary_groups` without the objective that the form does not have.

        Raises: ConfigError unless every objective is in exactly one group.
        """
        groups = {
            group: tuple(name for name in members if name in objectives or name != "auxiliary_value")
            for group, members in self.auxiliary_groups.items()
        }
        groups = {group: members for group, members in groups.items() if members}
        require(
            sorted(name for members in groups.values() for name in members) == sorted(objectives),
            f"agent.auxiliary_groups is { ({g: list(n) for g, n in self.auxiliary_groups.items()}) }; each of "
            f"{', '.join(objectives)} must be in exactly one group.",
        )
        return groups

    @property
    def _is_detached(self) -> bool:
        return self.form == "single" and self.detach_value

    def _auxiliary_losses(
        self, model: ActorCriticNetwork, roles: Roles, batch: Batch
    ) -> tuple[dict[str, tf.Tensor], Diagnostics]:
        """The value errors ½ (v − target)², and KL(π_anchor, π), each a mean over the valid samples."""
        inputs: dict[str, Any] = {OBSERVATION: batch.observation}
        names = ("policy", "value", *(("auxiliary_value",) if self.form == "dual" else ()))
        outputs = model.network.apply(roles[LIVE], inputs, names)
        anchor = tf.stop_gradient(self.policy(model, roles["anchor"], batch.observation))
        errors = {"refit": "value", "auxiliary_value": "auxiliary_value"}
        losses = {
            objective: masked_mean(squared_value_loss(outputs[head][:, 0], batch.target), batch.valid)
            for objective, head in errors.items()
            if head in outputs
        }
        losses["clone"] = masked_mean(model.distribution.kl(anchor, outputs["policy"]), batch.valid)
        return losses, {}
