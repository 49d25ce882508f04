"""The noise by which agents with a memory explore: the choices of `agent/exploration`.

Each makes ε, standard normal at every single step; they differ in how ε at successive steps is related. A stochastic
policy draws its action with ε, so that the action at every step has exactly the policy's distribution.
"""

import math

import tensorflow as tf

from rl.estimators.recurrence import linear_recurrence
from rl.randomness import normals
from rl.settings import PositiveInteger, ShareBelowOne, settings


@settings
class White:
    """Independent at every step."""

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...], size: int, features: int) -> tf.Tensor:
        """The random numbers of a rollout.

        Args: seed: [2] int; shape: (T, N), or (N,) for one step; size: d, components of an action; features: F.
        Returns: [*shape, n] float32, n such as `epsilon` needs.
        """
        return normals(seed, (*shape, size))

    def epsilon(self, noise: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """ε of one step, [N, d].

        Args: noise: [N, n], one step of `noise`; features: [N, F], what the policy head reads.
        """
        return noise


@settings
class Correlated(White):
    """Correlated in time: ε_t = ρ ε_{t−1} + √(1 − ρ²) ξ_t, ξ white (Uhlenbeck & Ornstein 1930, as in Lillicrap 2016).

    The chain starts anew, with a standard normal number, at every iteration: every `agent.ticks` ×
    `agent.rollout_length` steps of each environment. Episodes' ends do not interrupt it.
    """

    correlation: ShareBelowOne
    """ρ, the correlation of successive steps, in [0, 1); steps k apart have ρᵏ."""

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...], size: int, features: int) -> tf.Tensor:
        """See `White.noise`."""
        white = super().noise(seed, shape, size, features)
        if len(shape) < 2:
            return white
        driven = tf.concat([white[:1], math.sqrt(1.0 - self.correlation**2) * white[1:]], 0)
        return linear_recurrence(driven, tf.fill(driven.shape, self.correlation), tf.zeros_like(driven[0]))


@settings
class StateDependent(White):
    """A random linear function of the policy's features, ε = Θᵀ φ / ‖φ‖ with Θ standard normal, [F, d].

    The same state gets the same ε until Θ is drawn anew (generalised state-dependent exploration, Raffin et al. 2022,
    arXiv:2005.05719). Differs from eq. 5 there: σ is the policy's own, and φ is scaled to length 1.
    """

    every_steps: PositiveInteger
    """Steps of each environment from one Θ to the next; it is also drawn anew at every iteration."""

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...], size: int, features: int) -> tf.Tensor:
        """See `White.noise`: Θ, flat, [*shape, F · d]."""
        if len(shape) < 2:
            return normals(seed, (*shape, features * size))
        length, *rest = shape
        drawn = normals(seed, (-(-length // self.every_steps), *rest, features * size))
        return tf.repeat(drawn, self.every_steps, 0)[:length]

    def epsilon(self, noise: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """See `White.epsilon`."""
        matrix = tf.reshape(noise, (*features.shape, -1))
        return tf.reduce_sum(matrix * tf.math.l2_normalize(features, -1)[..., None], -2)


Exploration = White | Correlated | StateDependent
"""The choices of `agent/exploration`."""
