"""Checks that an iteration fits into the machine's memory, before anything of that size is allocated."""

import math
import os

import tensorflow as tf

from rl.errors import require
from rl.learning.learner import Learner

_COPIES = 4
"""Trajectories in memory at once: as recorded, normalised, prepared as samples, and gathered into minibatches."""


def trajectory_bytes(learner: Learner) -> int:
    """The size in bytes of one iteration's trajectories, of all runs together.

    learner: its trajectory spec gives shapes and types for one run.
    """
    specs = tf.nest.flatten(learner.trajectory_spec())
    return learner.axis.num_runs * sum(math.prod(spec.shape) * spec.dtype.size for spec in specs)


def require_memory(learner: Learner) -> None:
    """Raises ConfigError where one iteration needs more memory than the machine has.

    The estimate is `_COPIES` copies of the trajectories, and the activations of every sample in float32.
    """
    num_runs = learner.axis.num_runs
    activations = 4 * num_runs * learner.steps_per_iteration * sum(learner.model.network.units.values())
    needed = _COPIES * trajectory_bytes(learner) + activations
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    require(
        needed <= there,
        f"num_envs {learner.environment.num_envs:,} × agent.rollout_length {learner.agent.rollout_length:,} × seeds "
        f"{num_runs:,} needs about {needed / 2**30:,.0f} GiB for trajectories and activations, and this machine has "
        f"{there / 2**30:,.0f} GiB; make one of the three smaller.",
    )
