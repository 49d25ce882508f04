"""Whether the parts of an experiment fit together, once its learner is made."""

from rl.errors import require
from rl.learning.learner import Learner


def check_combined(learner: Learner) -> None:
    """Raises ConfigError if the combiner has no rows to combine."""
    require(
        learner.combiner.is_sum or any(rule.shared for rule in learner.rules.values()),
        "the combiner has nothing to act on, since no two groups of an update's objectives share weights. Choose "
        "combiner=sum, or let two groups of one update reach one torso: network.shared=true, with agent.detach_policy "
        "false; with agent=ppg agent.detach_value=false, or agent.auxiliary_groups split; with agent=td3, whose actor "
        "and critics have updates of their own, agent.groups.critic split (what critics_only would do is "
        "agent.detach_policy=true there).",
    )


def check_phases(learner: Learner) -> None:
    """Raises ConfigError if the run is too short for one of the agent's phases."""
    for phase in learner.phases:
        first, count = phase.starts_at + phase.every_iterations, learner.num_iterations
        require(
            first <= count,
            f"phase {phase.name!r} begins with iteration {first}, but the run has {count} of "
            f"{learner.steps_per_iteration:,} steps: raise steps, or "
            + (
                "lower agent.warmup_steps, or agent.n_step × num_envs, whichever is larger."
                if phase.source.replays
                else f"execute the phase more often (agent.{phase.name}_every)."
            ),
        )
