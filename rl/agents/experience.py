"""What agents with a memory learn from: n-step transitions."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.estimators import masked_mean, n_step_transitions
from rl.sources import Windows


class Experience(NamedTuple):
    """B samples from memory; no gradient flows through any field."""

    observation: tf.Tensor  # [B, ...]
    action: tf.Tensor  # [B, ...], in the action's units
    reward: tf.Tensor  # [B], the sum of up to n discounted rewards
    discount: tf.Tensor  # [B], γ to the number of steps, or 0 where the episode terminated
    next_observation: tf.Tensor  # [B, ...], after these steps
    valid: tf.Tensor  # [B] float, 1, or 0 for a step that was spent on a reset
    weight: tf.Tensor = ()  # [B] float, importance weights of the critics' errors; () for 1
    terminated: tf.Tensor = ()  # [B] float, 1 where the first step terminated the episode
    first: Any = ()  # reward [B] and next observation [B, ...] of the first step alone, for auxiliary objectives
    steps: Any = ()  # the windows themselves, [B, n, ...], where a target needs every step
    noise: tf.Tensor = ()  # [B, d] standard normal, for the policy's action at the observation
    next_noise: tf.Tensor = ()  # [B, ..., d] standard normal, for those at the next observation
    chosen: tf.Tensor = ()  # [B, N] float, 1 for the critics in the minimum of the target

    def mean(self, x: tf.Tensor) -> tf.Tensor:
        """The mean of x [B] over the valid samples, []."""
        return masked_mean(x, self.valid)

    def mean_error(self, error: tf.Tensor) -> tf.Tensor:
        """The mean of the critics' errors [B] over the valid samples, importance weights included, []."""
        return self.mean(error if isinstance(self.weight, tuple) else self.weight * error)

    def of_first_step(self) -> "Experience":
        """The same samples as transitions of one step."""
        reward, successor = self.first
        return self._replace(reward=reward, next_observation=successor)


def experience(windows: Windows, *, gamma: float | tf.Tensor, keep_steps: bool = False) -> Experience:
    """n-step transitions of windows.

    Args: gamma: γ; keep_steps: whether `Experience.steps` are the windows.
    """
    steps = windows.steps
    found = n_step_transitions(steps.reward, steps.terminated, steps.truncated, gamma=gamma)
    return Experience(
        tf.nest.map_structure(lambda x: x[:, 0], steps.observation),
        steps.action[:, 0],
        found.reward,
        found.discount,
        tf.nest.map_structure(lambda x: tf.gather(x, found.last, batch_dims=1), steps.next_observation),
        tf.cast(steps.valid[:, 0], tf.float32),
        windows.weight,
        tf.cast(steps.terminated[:, 0], tf.float32),
        (steps.reward[:, 0], tf.nest.map_structure(lambda x: x[:, 0], steps.next_observation)),
        steps if keep_steps else (),
    )
