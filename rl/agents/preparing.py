"""From a trajectory to the samples that an actor-critic agent learns from."""

from typing import Any, Protocol

import tensorflow as tf

from rl.agents.bootstrap import Bootstrap
from rl.agents.phase import Diagnostics, Roles
from rl.agents.samples import Batch, Steps, flat, without_invalid
from rl.agents.successors import successor_values
from rl.environments import Environment, Trajectory
from rl.estimators import discounts, explained_variance, masked_mean
from rl.networks import OBSERVATION, ActorCriticNetwork


class Estimating(Protocol):
    """What an agent says of its advantages and value targets; `ActorCritic` describes the fields."""

    baseline: str
    bootstrap: Bootstrap
    gamma: float | tf.Tensor
    lambda_: float | tf.Tensor

    def estimates(self, steps: Steps, log_prob: tf.Tensor, extras: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Value targets and advantages, [T, N] each."""


def prepared(
    agent: Estimating,
    model: ActorCriticNetwork,
    environment: Environment,
    roles: Roles,
    trajectory: Trajectory,
) -> tuple[Batch, Diagnostics]:
    """Computes advantages and value targets, from values at `baseline` and at the bootstrap's weights."""
    if not environment.compiled:  # where every step is valid
        trajectory = without_invalid(trajectory)
    observation = flat(trajectory.observation)
    outputs = model.network.apply(roles[agent.baseline], {OBSERVATION: observation}, ("policy", "value"))
    v_tm1 = tf.reshape(outputs["value"], trajectory.reward.shape)

    def value(observation):
        outputs = model.network.apply(roles[agent.bootstrap.of], {OBSERVATION: observation}, ("value",))
        return outputs["value"][:, 0]

    # The snapshot is as new as the live weights when an iteration's learning begins.
    known = v_tm1 if environment.compiled and agent.bootstrap.of == "live" else None
    v_t = successor_values(value, trajectory, known, max_episode_steps=environment.max_episode_steps)
    discount_t, lambda_t = discounts(
        trajectory.terminated, trajectory.truncated, gamma=agent.gamma, lambda_=agent.lambda_
    )
    action, valid = flat(trajectory.action), tf.cast(trajectory.valid, tf.float32)
    log_prob = model.distribution.log_prob(outputs["policy"], action)
    steps = Steps(trajectory.reward, discount_t, v_tm1, v_t, lambda_t)
    target, advantage = agent.estimates(steps, tf.reshape(log_prob, v_tm1.shape), trajectory.extras)
    terminated = tf.cast(trajectory.terminated, tf.float32)
    numbers = (v_tm1, advantage, target, valid, trajectory.reward, discount_t, terminated, trajectory.next_observation)
    batch = Batch(observation, action, log_prob, *(flat(x) for x in numbers))
    return tf.nest.map_structure(tf.stop_gradient, batch), {
        "value/explained_variance": explained_variance(v_tm1, target, valid),
        "value/mean": masked_mean(v_tm1, valid),
        "value/target_mean": masked_mean(target, valid),
    }
