"""How auxiliary objectives join an agent's own: their heads, and the groups that they are in."""

from collections.abc import Mapping, Sequence

from rl.agents.auxiliary import RESERVED, Auxiliary
from rl.errors import require
from rl.networks import Head
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
