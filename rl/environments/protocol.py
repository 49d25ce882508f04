"""The protocol that every environment implements, on tensors with a leading environment axis."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.spaces import Space

State = Any  # a nest of tensors: the environment's complete state, or an opaque token where it is kept elsewhere


class Transition(NamedTuple):
    """The result of one step of N environments.

    Rewards are float32, whatever type the environment computes in. Normalization scales rewards and never centres them,
    so their digits need not survive the subtraction of a large offset, as those of observations must. Values and
    returns are float32 as well.

    An environment resets itself after an episode ends: within the last step (`observation` is then the first of the
    next episode and `final_observation` the last of the old one), or in the step after it. Such a reset step has
    `valid` False: no action is taken in it, and it is not a transition to learn from.
    """

    observation: tf.Tensor  # [N, ...] in the environment's `observation_space`, the one to act on next
    reward: tf.Tensor  # [N] float32
    terminated: tf.Tensor  # [N] bool, the episode ended in a terminal state, whose value is 0
    truncated: tf.Tensor  # [N] bool, the episode was cut off: bootstrap from `final_observation`
    final_observation: tf.Tensor  # [N, ...] in that space, the successor of this step's action, never a reset's
    valid: tf.Tensor  # [N] bool, False for a step that was spent on a reset


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


class Trajectory(NamedTuple):
    """A rollout of T steps in N environments; every tensor is [T, N, ...]."""

    observation: tf.Tensor  # the one that the action was chosen on
    action: tf.Tensor
    reward: tf.Tensor
    terminated: tf.Tensor
    truncated: tf.Tensor
    next_observation: tf.Tensor  # the action's successor, never a reset's
    valid: tf.Tensor
    extras: Any = ()  # a nest of further outputs of acting that learning cannot recompute
