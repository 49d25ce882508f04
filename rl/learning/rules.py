"""The update rule of each of an agent's updates, and checks of its frozen copies and sources."""

from collections.abc import Collection, Mapping, Sequence

from rl.agents import LIVE, Agent, Phase, Update
from rl.errors import require
from rl.frozen import Schedule
from rl.gradient_tags import check_pairs
from rl.networks import Network
from rl.updates import UpdateRule
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer


def check_copies(
    schedules: Mapping[str, Schedule], phases: Sequence[str], updates: Sequence[str], *, acts_with: str
) -> None:
    """Checks the frozen copies against the agent.

    Args:
        schedules: {role: schedule}.
        phases, updates: names of the agent's phases and updates.
        acts_with: the role whose weights act.
    Raises: ConfigError if a schedule follows an unknown phase or update, or the copy that acts is missing.
    """
    require(
        acts_with in (LIVE, *schedules),
        f"the agent acts with a frozen copy {acts_with!r}, and there is none (frozen.{acts_with}).",
    )
    for role, schedule in schedules.items():
        for key, name, known in (("before", schedule.before, phases), ("after", schedule.after, updates)):
            require(
                name in (None, *known),
                f"frozen.{role}.{key} is {name!r}; this agent has {' and '.join(known)}.",
            )


def update_rule(
    update: Update,
    network: Network,
    combiner: Combiner,
    optimizer: Optimizer,
    *,
    always_rows: bool = False,
    freeze: Freeze | None = None,
) -> UpdateRule:
    """Builds the update rule that turns the gradients of an update's objectives into steps of the network's weights.

    Args:
        update: its objectives and groups.
        network: the names of its weights and heads.
        combiner, optimizer, always_rows, freeze: see `UpdateRule`.
    Raises: ConfigError if these do not fit the update or the network.
    """
    return UpdateRule(
        objectives=update.objectives,
        groups=update.groups,
        names=network.names,
        heads=network.heads,
        combiner=combiner,
        optimizer=optimizer,
        always_rows=always_rows,
        freeze=freeze,
    )


def check_names(phases: Sequence[Phase], parts: Collection[str]) -> None:
    """Raises ValueError where two phases, updates or objectives have one name or tag, or one reads no known part.

    Args: parts: of the network.
    """
    updates = [update for phase in phases for update in phase.updates]
    objectives = [objective.name for update in updates for objective in update.objectives]
    named = {"phases": phases, "updates": updates}
    every = {**{kind: [one.name for one in ones] for kind, ones in named.items()}, "objectives": objectives}
    for kind, names in every.items():
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two {kind} of the agent are called {', '.join(twice)}; give each a name of its own.")
    check_pairs(objectives)
    for objective in (objective for update in updates for objective in update.objectives):
        unknown = sorted(set(objective.parts) - set(parts))
        if unknown:
            raise ValueError(
                f"objective {objective.name!r} declares to read {', '.join(unknown)}; the network has "
                f"{', '.join(parts)}."
            )


def check_sources(phases: Sequence[Phase], agent: Agent, num_envs: int) -> None:
    """Checks the source of every phase.

    A source may keep batches only of an earlier phase that is executed in every iteration and keeps none itself:
    otherwise there would be iterations without a batch to keep.

    Args: phases: of the agent, in order; num_envs: N, of one run.
    Raises: ConfigError if a phase's minibatches do not divide its batch; ValueError if it keeps batches of a phase that
        does not meet the condition.
    """
    for place, phase in enumerate(phases):
        earlier = [one.name for one in phases[:place] if one.is_always_due and one.source.of is None]
        num_samples = phase.source.num_samples(agent.ticks * agent.rollout_length * num_envs)
        if phase.source.of not in (None, *earlier):
            raise ValueError(
                f"phase {phase.name!r} learns from the batches of {phase.source.of!r}; it may learn from those of "
                f"{', '.join(earlier) or 'no phase'}."
            )
        iterations = f" × {phase.source.iterations} iterations" if phase.source.iterations > 1 else ""
        require(
            num_samples % phase.source.minibatches == 0,
            f"agent.{'minibatches' if not place else f'{phase.name}_minibatches'} is {phase.source.minibatches}, which "
            f"does not divide the batch of {num_samples} samples (num_envs {num_envs} × agent.rollout_length "
            f"{agent.rollout_length}{iterations}) of phase {phase.name!r}.",
        )
