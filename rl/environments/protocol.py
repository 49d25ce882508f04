"""The one protocol that every environment speaks, on tensors with a leading environment axis."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from rl.spaces import Space

State = Any  # a nest of tensors: all that the environment remembers, or a token that stands for it


class Transition(NamedTuple):
    """What one step of N environments gives back.

    Rewards are float32, however the environment computes them. They are scaled and never centred, so that no offset is
    subtracted from them later that could have swallowed their spread; values and returns, into which it goes, are
    float32 as well.

    An environment resets itself after an episode ended. It may do so within the step (`observation` is then the first
    of the next episode and `final_observation` the last of the old one) or spend the next step on it; that step has
    `valid` False, since no action was taken in it, and is no transition to learn from.
    """

    observation: tf.Tensor  # [N, ...] of the environment's `observation_space`, the one to act on next
    reward: tf.Tensor  # [N] float32
    terminated: tf.Tensor  # [N] bool, the task itself ended: no future
    truncated: tf.Tensor  # [N] bool, the episode was cut: there would have been a future
    final_observation: tf.Tensor  # [N, ...] of that type, the successor of this step's action, never a reset's
    valid: tf.Tensor  # [N] bool


class Environment(Protocol):
    """N environments stepped together.

    What is random in a step comes in as uniform numbers, drawn for a whole rollout at once: a step is a deterministic
    function, and costs no random operations of its own.
    """

    name: str  # in messages
    num_envs: int
    observation_space: Space
    action_space: Space
    num_uniforms: int  # uniform numbers that a step takes for each environment; 0 where it has generators of its own
    max_episode_steps: int | None  # where episodes are truncated; None: never, or unknown if it is not compiled
    restorable: bool  # whether `State` holds everything, so that a checkpoint can put it back
    compiled: bool  # whether it may be a part of an XLA program; every step of it is then valid
    unchecked: tuple[str, ...]  # of ("observation", "reward"): what may hold numbers that are not finite
    in_processes: bool  # whether every one of the N runs in a process of its own

    def reset(self, seed: tf.Tensor) -> tuple[State, tf.Tensor]:
        """Fresh episodes in all environments: (state, observation [N, ...]); seed: [2] int."""

    def step(self, state: State, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[State, Transition]:
        """One step in each.

        Args:
            action: N elements of `action_space`.
            uniforms: [N, num_uniforms] float32 in [0, 1).
        """

    def close(self) -> None:
        """Frees what is outside the graph."""


class Trajectory(NamedTuple):
    """What a rollout of T steps in N environments recorded. Everything is [T, N, ...]."""

    observation: tf.Tensor  # acted on
    action: tf.Tensor
    reward: tf.Tensor
    terminated: tf.Tensor
    truncated: tf.Tensor
    next_observation: tf.Tensor  # the action's successor, never a reset's
    valid: tf.Tensor
    extras: Any = ()  # what else the agent keeps of its acting, since learning cannot recompute it
