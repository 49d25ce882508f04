"""Checks that an iteration, and what an agent remembers, fit into the machine's memory, before they are allocated."""

import math
import os

import tensorflow as tf

from rl.errors import ConfigError, require
from rl.learning.learner import Learner

_COPIES = 4
"""Trajectories in memory at once: as recorded, normalised, prepared as samples, and gathered into minibatches."""
_DRAWS = 4
"""Windows of a tick in memory at once: its own, and those for the probes, each as drawn and normalised."""
_RINGS = 3
"""Rings in memory at once: the variables, the state within a program, and at the start or in a checkpoint one more."""


def trajectory_bytes(learner: Learner) -> int:
    """The size in bytes of one iteration's trajectories, of all runs together.

    learner: its trajectory spec gives shapes and types for one run.
    """
    specs = tf.nest.flatten(learner.trajectory_spec())
    return learner.axis.num_runs * sum(math.prod(spec.shape) * spec.dtype.size for spec in specs)


def replay_bytes(learner: Learner) -> int:
    """The size in bytes of what the agents of all runs together remember of their environments."""
    num_envs = learner.environment.num_envs
    rows = sum(phase.source.num_rows(num_envs) for phase in learner.phases if phase.source.replays)
    return learner.axis.num_runs * rows * num_envs * _step_bytes(learner)


def drawn_bytes(learner: Learner) -> int:
    """The size in bytes of the windows that the agents of all runs together draw at once, and of their activations."""
    sources = [phase.source for phase in learner.phases if phase.source.replays]
    steps = sum(source.num_samples(learner.steps_per_iteration) * source.length for source in sources)
    activations = 4 * sum(source.batch for source in sources) * sum(learner.model.network.units.values())
    return learner.axis.num_runs * (_DRAWS * steps * _step_bytes(learner) + activations)


def _step_bytes(learner: Learner) -> int:
    """The size in bytes of one recorded step of one environment."""
    specs = tf.nest.flatten(learner.trajectory_spec())
    return sum(math.prod(spec.shape[2:]) * spec.dtype.size for spec in specs)


def require_memory(learner: Learner) -> None:
    """Raises ConfigError where one iteration, or what the agents remember, needs more memory than the machine has.

    The estimate is `_COPIES` copies of the trajectories, and the activations of every sample in float32; for agents
    with a memory `_RINGS` rings, and what a tick draws from them.
    """
    num_runs = learner.axis.num_runs
    activations = 4 * num_runs * learner.steps_per_iteration * sum(learner.model.network.units.values())
    needed = _COPIES * trajectory_bytes(learner) + activations
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    remembered = _RINGS * replay_bytes(learner)
    if remembered > there:
        capacity = learner.agent.replay.capacity
        fits, or_fewer = capacity * there // remembered, " or for fewer seeds" if num_runs > 1 else ""
        raise ConfigError(
            f"replay.capacity {capacity:,} × seeds {num_runs:,} needs about {remembered / 2**30:,.0f} GiB ({_RINGS} × "
            f"the {replay_bytes(learner) / 2**30:,.1f} GiB that all runs keep), and this machine has "
            f"{there / 2**30:,.0f} GiB, enough for a replay.capacity of {fits:,}{or_fewer}."
        )
    drawn = drawn_bytes(learner)
    require(
        drawn <= there,
        f"agent.batch_size × agent.n_step × the minibatches of a tick × seeds {num_runs:,} needs about "
        f"{drawn / 2**30:,.0f} GiB, and this machine has {there / 2**30:,.0f} GiB; make one of them smaller.",
    )
    require(
        needed <= there,
        f"num_envs {learner.environment.num_envs:,} × agent.rollout_length {learner.agent.rollout_length:,} × seeds "
        f"{num_runs:,} needs about {needed / 2**30:,.0f} GiB for trajectories and activations, and this machine has "
        f"{there / 2**30:,.0f} GiB; make one of the three smaller.",
    )
