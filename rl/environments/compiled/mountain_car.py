"""MountainCar-v0 (Moore 1990), with Gymnasium's constants.

Differs from Gymnasium: float32 in place of float64, so transitions agree to float32 rounding. `roll` implements the
dynamics, which `mountain_car_continuous.py` shares.
"""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.spaces import Discrete

_FORCE, _GRAVITY = 0.001, 0.0025
_LEFT_WALL, _RIGHT_WALL, _SPEED_LIMIT, _GOAL = -1.2, 0.6, 0.07, 0.5


class MountainCarState(NamedTuple):
    """The state of the car, each field [N] float32.

    position: x along the valley, within [−1.2, 0.6]; the lowest point is −π/6.
    velocity: change of position per step, within ±0.07.
    """

    position: tf.Tensor
    velocity: tf.Tensor


class MountainCar(CompiledEnvironment):
    """Drive a car with a weak engine out of a valley by building up momentum; reward −1 per step.

    Actions 0, 1, 2 push left, not at all, and right. An episode terminates at a position ≥ 0.5 with a velocity ≥ 0.
    """

    observation_shape = (2,)
    action_space = Discrete(3)
    num_start_uniforms = 1

    def start(self, uniforms: tf.Tensor) -> MountainCarState:
        """At rest, at a position uniform in [−0.6, −0.4); uniforms: [N, 1]."""
        position = uniforms[..., 0] * 0.2 - 0.6
        return MountainCarState(position, tf.zeros_like(position))

    def observe(self, state: MountainCarState) -> tf.Tensor:
        """Position and velocity, [N, 2]."""
        return tf.stack(state, -1)

    def advance(self, state: MountainCarState, action: tf.Tensor, uniforms: tf.Tensor):
        """One step with a push of ±0.001 or 0.

        Args: action: [N] int64, 0 to 2. See `CompiledEnvironment.advance`.
        """
        after = roll(state, (tf.cast(action, tf.float32) - 1.0) * _FORCE)
        terminated = (after.position >= _GOAL) & (after.velocity >= 0.0)
        return after, -tf.ones_like(after.position), terminated


def roll(state: MountainCarState, push: tf.Tensor) -> MountainCarState:
    """The car's state after one step.

    v ← clip(v + push − 0.0025 cos 3x, ±0.07),  x ← clip(x + v, −1.2, 0.6)

    The left wall stops the car (v = 0); at the right wall it keeps its velocity.

    Args: push: [N] float32, the engine's acceleration.
    """
    velocity = state.velocity + push - _GRAVITY * tf.cos(3.0 * state.position)
    velocity = tf.clip_by_value(velocity, -_SPEED_LIMIT, _SPEED_LIMIT)
    position = tf.clip_by_value(state.position + velocity, _LEFT_WALL, _RIGHT_WALL)
    stopped = (position <= _LEFT_WALL) & (velocity < 0.0)
    return MountainCarState(position, tf.where(stopped, 0.0, velocity))
