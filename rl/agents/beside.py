"""How auxiliary objectives join an agent's own: their heads, the groups that they are in, and their losses."""

import inspect
from collections.abc import Mapping, Sequence

import tensorflow as tf

from rl.agents.auxiliary import RESERVED, Auxiliary
from rl.agents.phase import Roles
from rl.agents.samples import Batch
from rl.environments.origin import in_one_line
from rl.errors import ConfigError, require
from rl.networks import ActorCriticNetwork, Head
from rl.spaces import Spaces


def with_heads(own: Mapping[str, Head], beside: Mapping[str, Auxiliary], spaces: Spaces) -> dict[str, Head]:
    """An agent's own heads, and those of the objectives `beside` them, {name: objective}.

    Raises: ConfigError where two parts would have one name, or an objective shapes a torso that no other head reads.
    """
    heads, torsos = dict(own), dict.fromkeys(head.torso for head in own.values() if not head.reads_observation)
    for name, objective in beside.items():
        require(
            objective.torso in torsos,
            f"auxiliary.{name}.torso is {objective.torso}, which this agent lacks; it must be "
            f"{' or '.join(torso for torso in torsos if torso)}.",
        )
        more = objective.heads(name, spaces)
        taken = sorted({name, *more} & {*heads, *RESERVED, *(other for other in beside if other != name)})
        require(not taken, f"auxiliary.{name} would make a part {', '.join(taken)}, which there is; rename it.")
        heads |= more
    return heads


def with_groups(
    own: Mapping[str, Sequence[str]], beside: Mapping[str, Auxiliary], usual: str
) -> dict[str, tuple[str, ...]]:
    """{group: objectives} with the objectives `beside` joined to theirs; usual: the group of those that name none."""
    groups = {group: tuple(members) for group, members in own.items()}
    for name, objective in beside.items():
        group = objective.group or usual
        groups[group] = (*groups.get(group, ()), name)
    return groups


def losses_beside(
    beside: Mapping[str, Auxiliary], model: ActorCriticNetwork, roles: Roles, batch: Batch
) -> dict[str, tf.Tensor]:
    """{name: its loss, []} of the objectives.

    Raises: ConfigError with the objective, the observations' shape, and file and line, where a loss raises an error.
    """
    return {name: _loss_of(name, objective, model, roles, batch) for name, objective in beside.items()}


def _loss_of(name: str, objective: Auxiliary, model: ActorCriticNetwork, roles: Roles, batch: Batch) -> tf.Tensor:
    """The loss of one objective."""
    try:
        return objective.loss(name, model, roles, batch)
    except ConfigError:
        raise
    except Exception as error:
        kind, seen = type(objective), batch.observation
        raise ConfigError(
            f"auxiliary objective {name} ({kind.__qualname__}) fails on observations {seen.dtype.name} "
            f"{list(seen.shape)}: {in_one_line(error, inspect.getsourcefile(kind))}"
        ) from error
