"""The samples that an actor-critic agent learns from, made of a trajectory."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments import Trajectory


class Steps(NamedTuple):
    """What advantages are estimated from, [T, N] each; the fields are the arguments of `gae`."""

    reward: tf.Tensor
    discount_t: tf.Tensor  # γ, or 0 where the episode terminated
    v_tm1: tf.Tensor  # the value of the observation that was acted on
    v_t: tf.Tensor  # the value of the step's own successor
    lambda_t: tf.Tensor  # λ, or 0 where the episode ended


class Batch(NamedTuple):
    """B samples; no gradient flows through any field."""

    observation: tf.Tensor  # [B, ...]
    action: tf.Tensor  # [B, ...]
    log_prob: tf.Tensor  # [B], log π(a|s) at the agent's `baseline` weights
    value: tf.Tensor  # [B], v(s) at these weights
    advantage: tf.Tensor  # [B], the agent's estimate: GAE, or V-trace's
    target: tf.Tensor  # [B], what the value regresses on: the λ-return, or V-trace's target
    valid: tf.Tensor  # [B] float, 1, or 0 for a step that was spent on a reset
    reward: tf.Tensor  # [B], of the step
    discount: tf.Tensor  # [B], γ, or 0 where the episode terminated
    terminated: tf.Tensor  # [B] float, 1 where the episode terminated
    next_observation: tf.Tensor  # [B, ...], the step's successor


def without_invalid(trajectory: Trajectory) -> Trajectory:
    """Replaces the entries of invalid steps by zeros.

    A weight of 0 excludes them from the losses, but would not keep a NaN out of the gradients: 0 · NaN is NaN.
    """

    def kept(x):
        valid = tf.reshape(trajectory.valid, (*trajectory.valid.shape, *(1,) * (x.shape.rank - 2)))
        return tf.where(valid, x, tf.zeros_like(x))

    return tf.nest.map_structure(kept, trajectory)


def flat(x: tf.Tensor) -> tf.Tensor:
    """[T, N, ...] → [T·N, ...]."""
    return tf.reshape(x, (-1, *x.shape[2:]))
