"""IMPALA: acting with an older policy, corrected by V-trace (Espeholt et al. 2018, arXiv:1802.01561)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import tensorflow as tf

from rl.agents.a2c import A2C
from rl.agents.samples import Steps
from rl.errors import require
from rl.estimators import vtrace
from rl.frozen import Hard, Schedule, Snapshot
from rl.inputs import INPUT
from rl.networks import ActorCriticNetwork
from rl.settings import PositiveNumber, settings


@settings
class IMPALA(A2C):
    """Objectives: the policy gradient, the value error, the entropy. Frozen copy: the behaviour policy, which acts.

    The copy is as old as its schedule makes it: `Hard(every_updates=k)` is 0 to k − 1 updates behind the live weights,
    `Snapshot` one iteration. The trajectory keeps the log-probabilities of its actions. With k = 1 the estimates are
    those of A2C.
    """

    correction: bool
    """Whether importance weights correct for the copy's age; false trains on its trajectories as if they were π's."""
    rho_clip: Annotated[PositiveNumber, INPUT]
    """ρ̄, bound on the importance weight of a step's TD error."""
    c_clip: Annotated[PositiveNumber, INPUT]
    """c̄, bound on the importance weights by which later TD errors count for a step."""

    acts_with: ClassVar[str] = "behaviour"
    baseline: ClassVar[str] = "live"

    def __post_init__(self):
        super().__post_init__()
        require(
            not self.bootstrap.through,
            "agent=impala corrects the value's targets by importance weights, and this agent/bootstrap has a one-step "
            "error without them: choose agent/bootstrap=semi_gradient.",
        )

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """Raises ConfigError unless `behaviour` follows the live weights, or where the target copy is missing."""
        require(
            isinstance(schedules.get("behaviour"), Hard | Snapshot) and schedules["behaviour"].before is None,
            "the agent acts with a frozen copy `behaviour` with schedule rl.frozen.Hard or rl.frozen.Snapshot "
            "(frozen.behaviour).",
        )
        self.check_target(schedules)

    def extras(self, model: ActorCriticNetwork, policy: tf.Tensor, action: Any, step) -> dict[str, tf.Tensor]:
        """log μ(a|s) of the policy that acts, [N]."""
        return {"log_prob": model.distribution.log_prob(policy, action)}

    def estimates(self, steps: Steps, log_prob: tf.Tensor, extras: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """V-trace targets and advantages at the live weights, [T, N] each."""
        log_rho_t = log_prob - extras["log_prob"] if self.correction else tf.zeros_like(log_prob)
        reward, discount_t, v_tm1, v_t, lambda_t = steps
        return vtrace(log_rho_t, reward, discount_t, v_tm1, v_t, lambda_t, rho_clip=self.rho_clip, c_clip=self.c_clip)
