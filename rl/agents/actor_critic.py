"""What A2C and PPO have in common: advantages from a behaviour snapshot, and three objectives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from rl.agents.phase import Diagnostics, Frozen, Phase
from rl.agents.successors import successor_values
from rl.environments import Environment, Trajectory
from rl.errors import require
from rl.estimators import (
    clipped_value_loss,
    discounts,
    explained_variance,
    gae,
    huber_value_loss,
    masked_mean,
    squared_value_loss,
    standardize,
)
from rl.frozen import Schedule, Snapshot
from rl.gradients.objective import Objective
from rl.gradients.rows import Weights
from rl.networks import ActorCriticNetwork


class Batch(NamedTuple):
    """Samples, [B, ...]. log_prob and value are the behaviour policy's; valid is 0 or 1, float."""

    observation: tf.Tensor
    action: tf.Tensor
    log_prob: tf.Tensor
    value: tf.Tensor
    advantage: tf.Tensor
    target: tf.Tensor
    valid: tf.Tensor


@dataclass(frozen=True, kw_only=True)
class ActorCritic:
    """Objectives policy, value and entropy on one batch of trajectories; a subclass says what the policy's loss is."""

    gamma: float
    lambda_: float
    rollout_length: int
    epochs: int
    minibatches: int
    normalize_advantage: bool
    value_loss: str
    value_clip: float
    huber_delta: float
    coefficients: Mapping[str, float]
    groups: Mapping[str, Sequence[str]]
    bootstrap: str
    differentiate_at: str

    def __post_init__(self):
        for key in ("gamma", "lambda_"):
            require(0 <= getattr(self, key) <= 1, f"agent.{key} is {getattr(self, key)}; it must lie in [0, 1].")
        for key in ("rollout_length", "epochs", "minibatches"):
            value = getattr(self, key)
            require(isinstance(value, int) and value >= 1, f"agent.{key} is {value}; it must be a positive integer.")
        for key in ("value_clip", "huber_delta"):
            require(getattr(self, key) > 0, f"agent.{key} is {getattr(self, key)}; it must be positive.")
        _one_of("value_loss", self.value_loss, ("squared", "clipped", "huber"))
        _one_of("bootstrap", self.bootstrap, ("live", "target"))
        _one_of("differentiate_at", self.differentiate_at, ("live", "behaviour"))
        require(
            sorted(self.coefficients) == ["entropy", "policy", "value"],
            f"agent.coefficients has {sorted(self.coefficients)}; it needs policy, value and entropy, and no other.",
        )
        for name, coefficient in self.coefficients.items():
            require(
                isinstance(coefficient, int | float),
                f"agent.coefficients.{name} is {coefficient!r}; it must be a number.",
            )

    def check_frozen(self, schedules: Mapping[str, Schedule]) -> None:
        """A behaviour snapshot is needed, and a target where the value bootstraps from one."""
        require(
            isinstance(schedules.get("behaviour"), Snapshot),
            "the agent needs a frozen copy `behaviour` with schedule rl.frozen.Snapshot (frozen.behaviour).",
        )
        require(
            self.bootstrap == "live" or "target" in schedules,
            "agent.bootstrap=target needs a frozen copy `target`: choose frozen=target_polyak or frozen=target_hard.",
        )

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The policy head's output."""
        return model.network.apply(weights, observation, ("policy",))["policy"]

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase: all epochs over the newest trajectory."""
        routes = model.network.routes
        heads = {"policy": "policy", "value": "value", "entropy": "policy"}
        objectives = tuple(Objective(name, self.coefficients[name], routes[head]) for name, head in heads.items())
        return (
            Phase(
                name="update",
                objectives=objectives,
                groups={group: tuple(members) for group, members in self.groups.items()},
                epochs=self.epochs,
                minibatches=self.minibatches,
                differentiate_at=self.differentiate_at,
                prepare=lambda weights, frozen, trajectory: self._prepare(
                    model, environment, weights, frozen, trajectory
                ),
                losses=lambda weights, _frozen, batch: self._losses(model, weights, batch),
                stop=self.stop,
            ),
        )

    def policy_loss(self, log_prob: tf.Tensor, batch: Batch, advantage: tf.Tensor) -> tuple[tf.Tensor, Diagnostics]:
        """The policy's loss of each sample, [B], and numbers worth logging."""
        raise NotImplementedError

    def stop(self, diagnostics: Diagnostics) -> tf.Tensor:
        """Never stops early."""
        return tf.constant(False)

    def _prepare(
        self,
        model: ActorCriticNetwork,
        environment: Environment,
        weights: Weights,
        frozen: Frozen,
        trajectory: Trajectory,
    ):
        """Advantages and value targets, from values of the behaviour copy and of the bootstrap's weights."""
        observation = _flat(trajectory.observation)
        bootstrap = weights if self.bootstrap == "live" else frozen["target"].weights
        outputs = model.network.apply(frozen["behaviour"].weights, observation)
        v_tm1 = tf.reshape(outputs["value"], trajectory.reward.shape)

        def value(observation):
            return model.network.apply(bootstrap, observation, ("value",))["value"][:, 0]

        # The snapshot is as new as the live weights when an iteration's learning begins.
        known = v_tm1 if environment.compiled and self.bootstrap == "live" else None
        v_t = successor_values(value, trajectory, known, max_episode_steps=environment.max_episode_steps)
        discount_t, lambda_t = discounts(
            trajectory.terminated, trajectory.truncated, gamma=self.gamma, lambda_=self.lambda_
        )
        advantage = gae(trajectory.reward, discount_t, v_tm1, v_t, lambda_t)
        target, valid = advantage + v_tm1, tf.cast(trajectory.valid, tf.float32)
        action = _flat(trajectory.action)
        log_prob = model.distribution.log_prob(outputs["policy"], action)
        batch = Batch(observation, action, log_prob, *(_flat(x) for x in (v_tm1, advantage, target, valid)))
        return tf.nest.map_structure(tf.stop_gradient, batch), {
            "value/explained_variance": explained_variance(v_tm1, target, valid),
            "value/mean": masked_mean(v_tm1, valid),
            "value/target_mean": masked_mean(target, valid),
        }

    def _losses(self, model: ActorCriticNetwork, weights: Weights, batch: Batch):
        """The three objectives to minimise: the entropy's is its negative."""
        outputs = model.network.apply(weights, batch.observation)
        log_prob = model.distribution.log_prob(outputs["policy"], batch.action)
        advantage = (
            standardize(batch.advantage, batch.valid, epsilon=1e-8) if self.normalize_advantage else batch.advantage
        )
        policy_loss, diagnostics = self.policy_loss(log_prob, batch, advantage)
        entropy = masked_mean(model.distribution.entropy(outputs["policy"]), batch.valid)
        losses = {
            "policy": masked_mean(policy_loss, batch.valid),
            "value": masked_mean(self._value_loss(outputs["value"][:, 0], batch), batch.valid),
            "entropy": -entropy,
        }
        averages = {tag: masked_mean(x, batch.valid) for tag, x in diagnostics.items()}
        return losses, {**averages, "policy/entropy": entropy}

    def _value_loss(self, v: tf.Tensor, batch: Batch) -> tf.Tensor:
        if self.value_loss == "clipped":
            return clipped_value_loss(v, batch.target, batch.value, clip=self.value_clip)
        if self.value_loss == "huber":
            return huber_value_loss(v, batch.target, delta=self.huber_delta)
        return squared_value_loss(v, batch.target)


def _flat(x: tf.Tensor) -> tf.Tensor:
    """[T, N, ...] → [T·N, ...]."""
    return tf.reshape(x, (-1, *x.shape[2:]))


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    require(value in allowed, f"agent.{key} is {value!r}; it is one of {', '.join(allowed)}.")
