"""Whether the parts of an experiment fit together, once its learner is made."""

from rl.errors import require
from rl.learning.learner import Learner


def check_combined(learner: Learner) -> None:
    """Raises ConfigError if the combiner has no rows to combine."""
    require(
        learner.combiner.is_sum or any(rule.shared for rule in learner.rules.values()),
        "the combiner has nothing to act on, since no two groups of an update's objectives share weights: choose "
        "combiner=sum, share a torso (network.shared=true), or with agent=ppg let the value reach it "
        "(agent.detach_value=false) or split agent.auxiliary_groups. Where actor and critics have updates of their "
        "own, as with agent=td3, agent.detach_policy=true leaves the torso to the critics.",
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
                "lower agent.warmup_steps."
                if phase.source.replays
                else f"execute the phase more often (agent.{phase.name}_every)."
            ),
        )
