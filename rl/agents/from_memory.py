"""The part of an agent that acts with noise and learns from memory: when, how much, and from which steps."""

import functools
import math
from typing import Annotated, Any, ClassVar

import tensorflow as tf

from rl.agents.agent import Agent
from rl.agents.experience import Experience, experience
from rl.agents.exploration import Exploration
from rl.agents.phase import Diagnostics, Phase, Roles, Update
from rl.distributions import Squashed
from rl.environments import Environment
from rl.errors import require
from rl.gradients.rows import Weights
from rl.inputs import INPUT
from rl.networks import OBSERVATION, ActorCriticNetwork
from rl.settings import NonNegativeInteger, PositiveInteger, PositiveNumber, Share, settings
from rl.sources import Uniform, Windows


@settings
class FromMemory(Agent):
    """Steps of every environment go into a ring; minibatches drawn from it make the updates, a stated number a step.

    A subclass defines the updates, their objectives and the errors that priorities come from.
    """

    gamma: Annotated[Share, INPUT]
    rollout_length: PositiveInteger
    ticks: PositiveInteger
    replay: Uniform
    batch_size: PositiveInteger
    update_to_data: PositiveNumber
    warmup_steps: NonNegativeInteger
    n_step: PositiveInteger
    exploration: Exploration

    keeps_steps: ClassVar[bool] = False
    """Whether the losses need every step of a window."""

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """The updates made from each minibatch, in order."""
        raise NotImplementedError

    def settle(self, model: ActorCriticNetwork, batch: Experience, seed: tf.Tensor) -> Experience:
        """Draws what is random in the losses of a minibatch."""
        raise NotImplementedError

    def errors(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """The magnitudes of the errors that priorities come from, [B]."""
        raise NotImplementedError

    def policy(self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The policy head's output, [N, P]."""
        return model.network.apply(weights, {OBSERVATION: observation}, ("policy",))["policy"]

    def noise(self, model: ActorCriticNetwork, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """The noise of the exploration; see `Agent.noise`."""
        before = model.network.parts["policy"].inputs[0]
        features = model.network.widths.get(before) or math.prod(model.network.inputs[OBSERVATION])
        return self.exploration.noise(seed, shape, model.distribution.num_dimensions, features)

    def act(
        self, model: ActorCriticNetwork, weights: Weights, observation: tf.Tensor, noise: tf.Tensor, step: tf.Tensor
    ) -> tuple[Any, tf.Tensor]:
        """An exploring action; in the first `warmup_steps` environment steps one that is uniform in the box.

        A uniform action comes from the exploration's noise too: with noise that is related over time, so are these.
        """
        box, before = model.distribution, model.network.parts["policy"].inputs[0]
        known = model.network.apply(weights, {OBSERVATION: observation}, ("policy", before))
        epsilon = self.exploration.epsilon(noise, tf.reshape(known[before], (known[before].shape[0], -1)))
        uniform = box.within(tf.math.erf(epsilon / math.sqrt(2.0)))
        explored = self.explore(box, known["policy"], epsilon)
        return tf.where(self.is_warming_up(step), uniform, explored), known["policy"]

    def is_warming_up(self, step: tf.Tensor) -> tf.Tensor:
        """Whether actions are uniform after this number of environment steps, [] bool."""
        return step < float(self.warmup_steps)

    def explore(self, box: Squashed, policy: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
        """An action [N, d] that explores, from standard normal noise; by default a sample of the policy."""
        return box.sample(policy, epsilon)

    def phases(self, model: ActorCriticNetwork, environment: Environment) -> tuple[Phase, ...]:
        """One phase on replayed steps."""
        steps = self.rollout_length * environment.num_envs
        rounds = round(self.update_to_data * steps)
        require(
            rounds >= 1 and math.isclose(rounds, self.update_to_data * steps, rel_tol=1e-6),
            f"agent.update_to_data {self.update_to_data:g} × agent.rollout_length {self.rollout_length:,} × num_envs "
            f"{environment.num_envs:,} is {self.update_to_data * steps:g} minibatches a tick; it must be a whole "
            "number, ≥ 1.",
        )
        source = self.replay.source(batch=self.batch_size, rounds=rounds, length=self.n_step)
        rows, needed = source.num_rows(environment.num_envs), self.ticks * self.rollout_length + self.n_step - 1
        require(
            rows >= needed,
            f"replay.capacity is {self.replay.capacity:,}, {rows:,} steps of each environment (num_envs "
            f"{environment.num_envs:,}); an iteration of agent.ticks {self.ticks:,} × agent.rollout_length "
            f"{self.rollout_length:,}, and agent.n_step {self.n_step:,}, need at least {needed:,}. Set replay.capacity="
            f"{needed * environment.num_envs} or more, or lower agent.ticks.",
        )
        updates = self.updates(model)
        for update in updates:
            require(
                self.ticks * rounds % update.every_rounds == 0,
                f"update {update.name!r} is made in every {update.every_rounds}-th minibatch, which does not divide an "
                f"iteration of {self.ticks * rounds:,} (agent.ticks {self.ticks:,} × {rounds:,}); change agent.ticks.",
            )
        first = max(self.warmup_steps, self.n_step * environment.num_envs)
        return (
            Phase(
                name="update",
                source=source,
                updates=updates,
                prepare=self.prepare,
                settle=functools.partial(self.settle, model),
                starts_at=-(-first // (steps * self.ticks)),
                errors=functools.partial(self.errors, model),
            ),
        )

    def prepare(self, roles: Roles, windows: Windows) -> tuple[Experience, Diagnostics]:
        """n-step transitions of windows [B, n, ...]."""
        return experience(windows, gamma=self.gamma, keep_steps=self.keeps_steps), {}
