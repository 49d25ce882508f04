"""MountainCar-v0 (Moore 1990), with Gymnasium's constants."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.protocol import Discrete

_FORCE, _GRAVITY = 0.001, 0.0025
_LEFT_WALL, _RIGHT_WALL, _SPEED_LIMIT, _GOAL = -1.2, 0.6, 0.07, 0.5


class MountainCarState(NamedTuple):
    """Position along the valley, lowest at −π/6, and velocity in positions a step, each [N] float32."""

    position: tf.Tensor
    velocity: tf.Tensor


class MountainCar(CompiledEnvironment):
    """Rock a car whose engine is too weak out of a valley: push left (0), not (1) or right (2); reward −1 a step.

    Terminates at position 0.5 or beyond, unless the car rolls back.
    """

    observation_shape = (2,)
    action_space = Discrete(3)
    num_start_uniforms = 1

    def start(self, uniforms: tf.Tensor) -> MountainCarState:
        """At rest, position uniform in [−0.6, −0.4]."""
        position = uniforms[..., 0] * 0.2 - 0.6
        return MountainCarState(position, tf.zeros_like(position))

    def observe(self, state: MountainCarState) -> tf.Tensor:
        """The state, [N, 2]."""
        return tf.stack(state, -1)

    def advance(self, state: MountainCarState, action: tf.Tensor, uniforms: tf.Tensor):
        """One push of 0.001."""
        after = roll(state, (tf.cast(action, tf.float32) - 1.0) * _FORCE)
        terminated = (after.position >= _GOAL) & (after.velocity >= 0.0)
        return after, -tf.ones_like(after.position), terminated


def roll(state: MountainCarState, push: tf.Tensor) -> MountainCarState:
    """Where the car is a step later: v ← v + push − 0.0025 cos 3x within ±0.07, x ← x + v between the walls.

    The left wall stops the car; at the right one it keeps its velocity.
    """
    velocity = state.velocity + push - _GRAVITY * tf.cos(3.0 * state.position)
    velocity = tf.clip_by_value(velocity, -_SPEED_LIMIT, _SPEED_LIMIT)
    position = tf.clip_by_value(state.position + velocity, _LEFT_WALL, _RIGHT_WALL)
    stopped = (position <= _LEFT_WALL) & (velocity < 0.0)
    return MountainCarState(position, tf.where(stopped, 0.0, velocity))
