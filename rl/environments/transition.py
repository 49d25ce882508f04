"""What a step gives back, and what a rollout records."""

from typing import Any, NamedTuple

import tensorflow as tf


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
