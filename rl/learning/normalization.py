"""Running statistics that bring observations and rewards to unit scale.

The statistics stand still during a rollout and take it in afterwards. So the behaviour policy is one and the same
function throughout an iteration, and every reward of a batch is divided by the same number. (Gymnasium's and
Stable-Baselines3's wrappers update them at every step.)
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import tensorflow as tf

from rl.estimators.recurrence import linear_recurrence
from rl.inputs import INPUT
from rl.settings import PositiveNumber, Share, settings

_ROUNDING = 2.0**-45  # of the mean: moments in float64 know no smaller standard deviation


class Moments(NamedTuple):
    """Mean and sum of squared deviations of what was seen: count [], mean and m2 of the shape of one element,
    float64.
    """

    count: tf.Tensor
    mean: tf.Tensor
    m2: tf.Tensor


class NormalizerState(NamedTuple):
    """Statistics of the observations and of the discounted return of each environment; returns: [N] float32.

    observation: a nest of moments like that of the observations.
    """

    observation: Any
    reward: Moments
    returns: tf.Tensor


@settings
class Normalizer:
    """Scales observations to zero mean and unit variance, and rewards so that their discounted sum has unit
    variance.
    """

    observations: bool
    """Whether observations are normalised."""
    rewards: bool
    """Whether rewards are."""
    reward_scale: Annotated[PositiveNumber, INPUT]
    """Every reward is multiplied by this constant first."""
    gamma: Annotated[Share, INPUT]
    """Discount of the return whose variance scales the rewards."""
    clip: Annotated[PositiveNumber, INPUT]
    """Normalised observations and rewards are clipped to ± this."""

    def init(self, num_envs: int, observation: Any) -> NormalizerState:
        """Statistics of nothing; they leave observations and rewards as they are.

        observation: the nest of TensorSpecs of one observation.
        """
        moments = tf.nest.map_structure(lambda one: _no_moments(tuple(one.shape)), observation)
        return NormalizerState(moments, _no_moments(()), tf.zeros(num_envs))

    def observation(self, state: NormalizerState, observation: Any) -> Any:
        """A nest of tensors [..., *shape] as the network sees it: float32, but for frames, which stay uint8.

        Frames are scaled in the network's first layer, and never normalised. The mean is taken off in float64: in
        float32 an offset would swallow what is left.
        """

        def seen(x, moments):
            if x.dtype == tf.uint8:
                return x
            if not self.observations:
                return tf.cast(x, tf.float32)
            return self._clipped((tf.cast(x, tf.float64) - moments.mean) * _scale(moments))

        return _map(seen, observation, state.observation)

    def reward(self, state: NormalizerState, r: tf.Tensor) -> tf.Tensor:
        """r [...] as the estimators see it, float32."""
        r = r * self.reward_scale
        if not self.rewards:
            return r
        scaled = tf.cast(r, tf.float64) * _scale(state.reward)
        return self._clipped(scaled)

    def _clipped(self, scaled: tf.Tensor) -> tf.Tensor:
        clip = tf.cast(self.clip, scaled.dtype)
        return tf.cast(tf.clip_by_value(scaled, -clip, clip), tf.float32)

    def update(self, state: NormalizerState, observation: Any, reward: tf.Tensor, ended: tf.Tensor, valid: tf.Tensor):
        """The statistics after a rollout: observation [T, N, ...], reward, ended (either way) and valid [T, N].

        The return is R_t = γ R_{t−1} + r_t, started anew after the end of an episode (Engstrom et al. 2020, appendix,
        arXiv:2005.12729).
        """
        seen, scaled, returns = state.observation, state.reward, state.returns
        if self.observations:
            mask = tf.reshape(valid, (-1,))

            def taken(x, moments):
                return moments if x.dtype == tf.uint8 else _merge(moments, tf.reshape(x, (-1, *x.shape[2:])), mask)

            seen = _map(taken, observation, seen)
        if self.rewards:
            trace, returns = self._discounted(tf.where(valid, reward, 0.0) * self.reward_scale, ended, returns)
            scaled = _merge(scaled, tf.reshape(trace, (-1,)), tf.reshape(valid, (-1,)))
        return NormalizerState(seen, scaled, returns)

    def _discounted(self, reward: tf.Tensor, ended: tf.Tensor, returns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """R_t of every step, [T, N], and what goes on into the next rollout, [N]."""
        going_on = 1.0 - tf.cast(ended, tf.float32)
        went_on = tf.concat([tf.ones_like(going_on[:1]), going_on[:-1]], 0)
        trace = linear_recurrence(reward, self.gamma * went_on, returns)
        return trace, trace[-1] * going_on[-1]


def _map(function: Callable, observation: Any, moments: Any) -> Any:
    """A nest of what the function makes of every tensor of an observation and its moments."""
    if isinstance(observation, Mapping):
        return {name: _map(function, x, moments[name]) for name, x in observation.items()}
    return function(observation, moments)


def _no_moments(shape: tuple[int, ...]) -> Moments:
    return Moments(tf.zeros((), tf.float64), tf.zeros(shape, tf.float64), tf.zeros(shape, tf.float64))


def _scale(moments: Moments) -> tf.Tensor:
    """One over the standard deviation; 1 as long as there is none but rounding."""
    variance = moments.m2 / tf.maximum(moments.count, 1.0)
    varies = variance > tf.square(_ROUNDING * moments.mean)
    return tf.where(varies, tf.math.rsqrt(tf.where(varies, variance, 1.0)), tf.ones_like(variance))


def _merge(moments: Moments, batch: tf.Tensor, valid: tf.Tensor) -> Moments:
    """The moments of both together (Chan et al. 1979); batch [B, ...], valid [B] bool."""
    batch, kept = tf.cast(batch, tf.float64), tf.reshape(valid, (-1,) + (1,) * (batch.shape.rank - 1))
    count = tf.reduce_sum(tf.cast(valid, tf.float64))

    def total(x):
        return tf.reduce_sum(tf.where(kept, x, tf.zeros_like(x)), 0)

    mean = total(batch) / tf.maximum(count, 1.0)
    mean += total(batch - mean) / tf.maximum(count, 1.0)  # a rounded mean would give equal numbers a spread
    m2 = total(tf.square(batch - mean))
    both = moments.count + count
    delta = mean - moments.mean
    share = count / tf.maximum(both, 1.0)
    return Moments(both, moments.mean + delta * share, moments.m2 + m2 + tf.square(delta) * moments.count * share)
