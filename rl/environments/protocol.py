"""The one protocol that every environment speaks, on tensors with a leading environment axis."""

from typing import Any, Protocol

import tensorflow as tf

from rl.environments.transition import Transition
from rl.spaces import Space

State = Any  # a nest of tensors: the environment's complete state, or an opaque token where it is kept elsewhere


class Environment(Protocol):
    """N environments stepped together.

    All randomness of a step enters as uniform numbers, which are drawn for a whole rollout at once: a step is a
    deterministic function of its arguments and needs no random operations of its own.
    """

    name: str  # for messages
    num_envs: int  # N
    observation_space: Space  # of one environment
    action_space: Space  # of one environment
    num_uniforms: int  # uniform numbers per environment and step; 0 for an environment with its own generators
    max_episode_steps: int | None  # steps after which an episode is truncated; None: never, or unknown if not compiled
    restorable: bool  # whether `State` is complete, so that a checkpoint can restore it
    compiled: bool  # whether it can be part of an XLA program; all of its steps are then valid
    unchecked: tuple[str, ...]  # subset of ("observation", "reward"): fields that may hold NaN or infinity
    in_processes: bool  # whether each of the N environments runs in its own process

    def reset(self, seed: tf.Tensor) -> tuple[State, tf.Tensor]:
        """Starts an episode in every environment.

        Args: seed: [2] int.
        Returns: (state, observation [N, ...]).
        """

    def step(self, state: State, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[State, Transition]:
        """One step of every environment.

        Args:
            state: as returned by `reset` or the last `step`.
            action: [N, ...], N elements of `action_space`.
            uniforms: [N, num_uniforms] float32 in [0, 1).
        Returns: (next state, transition).
        """

    def close(self) -> None:
        """Releases resources outside the graph, such as processes."""
