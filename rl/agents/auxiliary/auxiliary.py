"""What an auxiliary objective is: a loss on the torso beside the agent's own."""

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import tensorflow as tf

from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.errors import ConfigError, require
from rl.frozen import Schedule
from rl.gradients import LIVE
from rl.gradients.probes import EXTRA_ROWS
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.settings import Number, settings
from rl.spaces import Box, Discrete, Spaces

ACTION = "action"
"""The input of heads that read the action."""
RESERVED = (
    *(OBSERVATION, ACTION, "torso", "policy_torso", "value_torso", "auxiliary_value", "refit", "clone"),
    *(*EXTRA_ROWS, "through_target"),
)
"""Names of inputs, parts, objectives and extra rows that no auxiliary objective may have."""


@settings
class Auxiliary:
    """An objective that an actor-critic agent has in addition to its own, by the name of its entry in `auxiliary`.

    A subclass defines its heads and its loss; it sees the same minibatches as the agent's update, and is part of it.
    """

    coefficient: Annotated[Number, INPUT]
    """Weight of the objective in the total loss."""
    group: str | None
    """The group of objectives that it joins, one of agent.groups or a new one; None: that of `value`."""
    torso: Literal["policy", "value"]
    """With separate torsos, the one that it shapes."""

    frozen_roles: ClassVar[tuple[str, ...]] = ()
    """Roles of the frozen copies that the loss uses."""
    per_sample: ClassVar[bool] = True
    """Whether the loss is a mean over samples."""

    def __post_init__(self):
        if type(self) is Auxiliary:
            raise ConfigError(
                "an auxiliary objective (auxiliary.<name>._target_) is rl.agents.auxiliary.Auxiliary, which has no "
                "loss; name one of its subclasses, such as rl.agents.auxiliary.Termination."
            )

    def check_frozen(self, name: str, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError if a frozen copy is missing; name: of the objective."""
        for role in self.frozen_roles:
            require(
                role in schedules,
                f"auxiliary objective {name} needs a frozen copy `{role}`, and there is none: choose "
                "frozen=target_polyak or frozen=target_hard, or add "
                f"'+frozen.{role}={{_target_:rl.frozen.Polyak,tau:0.005}}'.",
            )

    def heads(self, name: str, spaces: Spaces) -> dict[str, Head]:
        """Its heads, {head: what it is}; name: of the objective."""
        return {}

    def reads(self, name: str, model: ActorCriticNetwork) -> tuple[str, ...]:
        """The parts that its gradient reaches, in the order of the network."""
        reached = {part for head in self.heads_of(name, model) for part in model.network.reads[head]}
        return tuple(part for part in model.network.parts if part in reached)

    def heads_of(self, name: str, model: ActorCriticNetwork) -> tuple[str, ...]:
        """The heads of the network that are its own."""
        return tuple(head for head in model.network.heads if head in (name, f"{name}_before", f"{name}_after"))

    def loss(self, name: str, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
        """The loss to minimise, []."""
        raise NotImplementedError

    def torso_of(self, model: ActorCriticNetwork) -> str:
        """The part that it shapes: the shared torso, or one of two."""
        return "torso" if "torso" in model.network.parts else f"{self.torso}_torso"

    def output(
        self,
        head: str,
        model: ActorCriticNetwork,
        roles: Roles,
        observation: tf.Tensor,
        action: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """A head's output at the live weights, [B, ...].

        Args: observation: [B, ...]; action: [B, ...], for heads that read it.
        """
        inputs = {OBSERVATION: observation}
        if action is not None:
            inputs[ACTION] = encoded(action, model.network.inputs[ACTION][0])
        return model.network.apply(roles[LIVE], inputs, (head,))[head]


def action_inputs(space: Discrete | Box) -> dict[str, tuple[int, ...]]:
    """The input of a head that reads the action: one-hot of a `Discrete`, the numbers of a `Box`."""
    return {ACTION: (space.n if isinstance(space, Discrete) else math.prod(space.shape),)}


def encoded(action: tf.Tensor, width: int) -> tf.Tensor:
    """Actions [B, ...] as a head reads them, [B, width] float32."""
    if action.dtype.is_integer:
        return tf.one_hot(action, width)
    return tf.reshape(action, (-1, width))
