"""Running statistics that scale observations and rewards to unit variance.

The statistics are constant during a rollout and updated after it. The behaviour policy is thus the same function
throughout an iteration, and all rewards of a batch are divided by the same number. (The wrappers of Gymnasium and
Stable-Baselines3 update the statistics at every step.)
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import tensorflow as tf

from rl.estimators.recurrence import linear_recurrence
from rl.inputs import INPUT
from rl.settings import PositiveNumber, Share, settings

_ROUNDING = 2.0**-45
"""Ratio of standard deviation to mean below which values count as constant: rounding in float64 produces as much."""


class Moments(NamedTuple):
    """Running moments, coordinate by coordinate; float64, since float32 would lose small variations of large values."""

    count: tf.Tensor
    """Number of values seen, []."""
    mean: tf.Tensor
    """Their mean, in the shape of one value."""
    m2: tf.Tensor
    """Σ (x − mean)², in the shape of one value; the variance is m2 / count."""


class NormalizerState(NamedTuple):
    """The statistics of one run."""

    observation: Any
    """The moments of the observations, in a nest of the same structure."""
    reward: Moments
    """The moments of the discounted return R_t of `Normalizer.update`, []."""
    returns: tf.Tensor
    """R_t after the last step in each environment, [N] float32; 0 after an episode's end."""


@settings
class Normalizer:
    """Standardises observations, and scales rewards so that their discounted return has unit variance.

    Rewards are never centred: an offset can change the optimal policy. All methods are pure.
    """

    observations: bool
    """Whether observations are normalised."""
    rewards: bool
    """Whether rewards are normalised."""
    reward_scale: Annotated[PositiveNumber, INPUT]
    """Constant factor on every reward, applied before normalisation, > 0."""
    gamma: Annotated[Share, INPUT]
    """γ of the discounted return whose standard deviation divides the rewards, in [0, 1]."""
    clip: Annotated[PositiveNumber, INPUT]
    """Normalised observations and rewards are clipped to [−clip, clip], > 0."""

    def init(self, num_envs: int, observation: Any) -> NormalizerState:
        """The statistics before the first rollout, which leave observations and `reward_scale`d rewards unchanged.

        Args:
            num_envs: N.
            observation: TensorSpecs of one observation, a nest.
        """
        moments = tf.nest.map_structure(lambda one: _no_moments(tuple(one.shape)), observation)
        return NormalizerState(moments, _no_moments(()), tf.zeros(num_envs))

    def observation(self, state: NormalizerState, observation: Any) -> Any:
        """Normalises observations as (x − mean) / standard deviation, clipped.

        uint8 frames are returned unchanged, since the network's first layer scales them. The mean is subtracted in
        float64: in float32 a large offset would leave no significant digits.

        Args: observation: a nest of tensors [..., *shape].
        Returns: the same nest, float32 except for frames.
        """

        def seen(x, moments):
            """The normalised tensor, from the tensor and its moments."""
            if x.dtype == tf.uint8:
                return x
            if not self.observations:
                return tf.cast(x, tf.float32)
            return self._clipped((tf.cast(x, tf.float64) - moments.mean) * _scale(moments))

        return _map(seen, observation, state.observation)

    def reward(self, state: NormalizerState, r: tf.Tensor) -> tf.Tensor:
        """Scales rewards r [...] by `reward_scale` and, if configured, by 1 / √(variance of the return), clipped.

        Returns: [...] float32.
        """
        r = r * self.reward_scale
        if not self.rewards:
            return r
        scaled = tf.cast(r, tf.float64) * _scale(state.reward)
        return self._clipped(scaled)

    def _clipped(self, scaled: tf.Tensor) -> tf.Tensor:
        """The values clipped to [−clip, clip], as float32."""
        clip = tf.cast(self.clip, scaled.dtype)
        return tf.cast(tf.clip_by_value(scaled, -clip, clip), tf.float32)

    def update(self, state: NormalizerState, observation: Any, reward: tf.Tensor, ended: tf.Tensor, valid: tf.Tensor):
        """Updates the statistics with a rollout.

        R_t = r_t + γ R_{t−1}, restarted at 0 after each episode (Engstrom et al. 2020, appendix, arXiv:2005.12729)

        Args:
            state: the statistics before the rollout.
            observation: [T, N, ...], a nest, as the environments returned it.
            reward: r, [T, N] float32, as the environments returned it.
            ended: [T, N] bool, whether the episode terminated or was truncated.
            valid: [T, N] bool; invalid steps do not count.
        Returns: the statistics that include the rollout.
        """
        seen, scaled, returns = state.observation, state.reward, state.returns
        if self.observations:
            mask = tf.reshape(valid, (-1,))

            def taken(x, moments):
                """The moments with all valid steps of the tensor included."""
                return moments if x.dtype == tf.uint8 else _merge(moments, tf.reshape(x, (-1, *x.shape[2:])), mask)

            seen = _map(taken, observation, seen)
        if self.rewards:
            trace, returns = self._discounted(tf.where(valid, reward, 0.0) * self.reward_scale, ended, returns)
            scaled = _merge(scaled, tf.reshape(trace, (-1,)), tf.reshape(valid, (-1,)))
        return NormalizerState(seen, scaled, returns)

    def _discounted(self, reward: tf.Tensor, ended: tf.Tensor, returns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """R_t of every step [T, N], and the value with which the next rollout starts [N]."""
        going_on = 1.0 - tf.cast(ended, tf.float32)
        went_on = tf.concat([tf.ones_like(going_on[:1]), going_on[:-1]], 0)
        trace = linear_recurrence(reward, self.gamma * went_on, returns)
        return trace, trace[-1] * going_on[-1]


def _map(function: Callable, observation: Any, moments: Any) -> Any:
    """Applies a function to each (tensor, moments) of an observation; returns a nest of the same structure.

    `tf.nest.map_structure` would reject the two, since `Moments` is a nest itself.
    """
    if isinstance(observation, Mapping):
        return {name: _map(function, x, moments[name]) for name, x in observation.items()}
    return function(observation, moments)


def _no_moments(shape: tuple[int, ...]) -> Moments:
    """The moments of no values, each of which has this shape."""
    return Moments(tf.zeros((), tf.float64), tf.zeros(shape, tf.float64), tf.zeros(shape, tf.float64))


def _scale(moments: Moments) -> tf.Tensor:
    """1 / standard deviation, in the shape of one value; 1 where the variance is 0 up to rounding."""
    variance = moments.m2 / tf.maximum(moments.count, 1.0)
    varies = variance > tf.square(_ROUNDING * moments.mean)
    return tf.where(varies, tf.math.rsqrt(tf.where(varies, variance, 1.0)), tf.ones_like(variance))


def _merge(moments: Moments, batch: tf.Tensor, valid: tf.Tensor) -> Moments:
    """The moments of old and new values together (Chan et al. 1979).

    Args: batch: [B, ...], the new values; valid: [B] bool, which of them count.
    """
    batch, kept = tf.cast(batch, tf.float64), tf.reshape(valid, (-1,) + (1,) * (batch.shape.rank - 1))
    count = tf.reduce_sum(tf.cast(valid, tf.float64))

    def total(x):
        """The sum over the valid values."""
        return tf.reduce_sum(tf.where(kept, x, tf.zeros_like(x)), 0)

    mean = total(batch) / tf.maximum(count, 1.0)
    mean += total(batch - mean) / tf.maximum(count, 1.0)  # the rounded mean alone would give equal values a variance
    m2 = total(tf.square(batch - mean))
    both = moments.count + count
    delta = mean - moments.mean
    share = count / tf.maximum(both, 1.0)
    return Moments(both, moments.mean + delta * share, moments.m2 + m2 + tf.square(delta) * moments.count * share)
