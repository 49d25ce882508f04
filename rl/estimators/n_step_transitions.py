"""n-step transitions: n rewards, and where the bootstrap value comes from."""

from typing import NamedTuple

import tensorflow as tf


class NStep(NamedTuple):
    """What the n-step target r + γ' v(s') of the first step of each window is made of, [B] each."""

    reward: tf.Tensor
    """Σ_k γᵏ r_k over the steps up to the end of the episode, at most n."""
    discount: tf.Tensor
    """γᵐ after m steps, or 0 where the episode terminated."""
    last: tf.Tensor
    """m − 1, the place in the window of the step whose successor is s', int32."""


def n_step_transitions(
    reward: tf.Tensor, terminated: tf.Tensor, truncated: tf.Tensor, *, gamma: float | tf.Tensor
) -> NStep:
    """The n-step transition that begins with the first step of each window of n steps (Watkins 1989).

    A window may reach beyond the end of its first episode: nothing behind the end has any influence, not even NaN. At a
    truncation the target bootstraps from the final observation, at a termination it does not bootstrap.

    Args:
        reward: [B, n] float.
        terminated, truncated: [B, n] bool.
        gamma: γ in [0, 1].
    """
    going = tf.ones_like(terminated[:, 0])
    none = tf.zeros_like(reward[:, 0])
    total, discount, factor = none, none + 1.0, none + gamma
    last = tf.zeros_like(going, tf.int32)
    for step in range(reward.shape[1]):
        total += tf.where(going, discount * reward[:, step], none)
        discount *= tf.where(going, tf.where(terminated[:, step], none, factor), none + 1.0)
        last += tf.cast(going, tf.int32) if step else 0
        going &= ~(terminated[:, step] | truncated[:, step])
    return NStep(total, discount, last)
