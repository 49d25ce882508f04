"""Normalises an iteration's trajectory, updates statistics, and keeps batches for later iterations."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from rl.agents import Phase
from rl.environments import Trajectory
from rl.environments.boundary import all_sound_within
from rl.estimators import masked_mean
from rl.learning.episodes import episode_metrics, follow_episodes
from rl.learning.learner import Learner
from rl.learning.state import TrainState


def ingest(
    learner: Learner, state: TrainState, trajectory: Trajectory
) -> tuple[TrainState, Trajectory, dict[str, tf.Tensor]]:
    """Normalises a run's trajectory, updates the statistics, and refreshes the frozen copies that are due.

    Observations are normalised with the statistics from before the rollout, with which the policy acted; rewards with
    those that include it.

    Returns: (state with new copies, episodes and statistics, normalised trajectory, {tag: metric, [] float32}).
    """
    normalizer, ended = learner.normalizer, trajectory.terminated | trajectory.truncated
    episodes, summary = follow_episodes(state.episodes, trajectory.reward, ended, trajectory.valid)
    seen = normalizer.update(state.normalizer, trajectory.observation, trajectory.reward, ended, trajectory.valid)
    normalized = trajectory._replace(
        observation=normalizer.observation(state.normalizer, trajectory.observation),
        next_observation=normalizer.observation(state.normalizer, trajectory.next_observation),
        reward=normalizer.reward(seen, trajectory.reward),
    )
    metrics = {
        **episode_metrics(summary),
        "value/reward_mean": masked_mean(normalized.reward, tf.cast(trajectory.valid, tf.float32)),
    }
    frozen = learner.copies_before(None, state)
    return state._replace(frozen=frozen, episodes=episodes, normalizer=seen), normalized, metrics


def is_sound(learner: Learner, trajectory: Trajectory) -> tf.Tensor:
    """Whether every value of the environment's `unchecked` fields is finite and at most 1e30 in magnitude, [] bool."""
    fields = {"observation": (trajectory.observation, trajectory.next_observation), "reward": (trajectory.reward,)}
    unchecked = [x for field in learner.environment.unchecked for x in tf.nest.flatten(fields[field])]
    return all_sound_within(*unchecked) if unchecked else tf.constant(True)


def kept(learner: Learner, phase: Phase, state: TrainState, prepared: Mapping[str, Any]) -> TrainState:
    """Stores this iteration's batch in the phase's source; outside the batching over runs, see `Recent.put`.

    Args: state: of all runs; prepared: {earlier phase: the batch that it prepared in this iteration}.
    """
    if phase.source.of is None:
        return state
    batch, runs = prepared[phase.source.of], learner.axis.shape
    own = phase.source.put(state.sources[phase.name], batch, state.iteration, runs)
    return state._replace(sources={**state.sources, phase.name: own})
