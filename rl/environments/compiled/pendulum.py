"""Pendulum-v1, with Gymnasium's constants.

Differs from Gymnasium: float32 in place of float64, and the angle does not grow with the number of turns.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.spaces import Box

_GRAVITY, _TIME_STEP, _SPEED_LIMIT, _TORQUE_LIMIT = 10.0, 0.05, 8.0, 2.0


class PendulumState(NamedTuple):
    """The state of the rod, each field [N] float32.

    theta: angle from upright, in rad; whole turns are subtracted before each step.
    theta_dot: angular velocity in rad/s, within ±8.
    """

    theta: tf.Tensor
    theta_dot: tf.Tensor


class Pendulum(CompiledEnvironment):
    """Swing up a rod of 1 m and 1 kg and hold it upright, by a torque τ clipped to ±2 N m; never terminates.

    The reward is −(θ² + 0.1 θ̇² + 0.001 τ²), with θ in [−π, π) and θ̇ taken before the step.
    """

    observation_shape = (3,)
    action_space = Box(np.array([-_TORQUE_LIMIT], np.float32), np.array([_TORQUE_LIMIT], np.float32))
    num_start_uniforms = 2

    def start(self, uniforms: tf.Tensor) -> PendulumState:
        """Angle uniform in [−π, π), angular velocity uniform in [−1, 1); uniforms: [N, 2]."""
        theta, theta_dot = tf.unstack(uniforms * 2.0 - 1.0, axis=-1)
        return PendulumState(math.pi * theta, theta_dot)

    def observe(self, state: PendulumState) -> tf.Tensor:
        """(cos θ, sin θ, θ̇), [N, 3]."""
        return tf.stack([tf.cos(state.theta), tf.sin(state.theta), state.theta_dot], -1)

    def advance(self, state: PendulumState, action: tf.Tensor, uniforms: tf.Tensor):
        """One semi-implicit Euler step of 0.05 s.

        θ̇ ← clip(θ̇ + 0.05 (15 sin θ + 3 τ), ±8),  θ ← θ + 0.05 θ̇

        Differs from Gymnasium, whose float64 angle grows with every turn: here whole turns are subtracted before a
        step, since a growing float32 angle would lose precision.

        Args: action: [N, 1] float32, the torque before clipping. See `CompiledEnvironment.advance`.
        """
        theta = state.theta - 2 * math.pi * tf.floor((state.theta + math.pi) / (2 * math.pi))
        torque = tf.clip_by_value(action[..., 0], -_TORQUE_LIMIT, _TORQUE_LIMIT)
        cost = tf.square(theta) + 0.1 * tf.square(state.theta_dot) + 0.001 * tf.square(torque)
        theta_dot = state.theta_dot + (1.5 * _GRAVITY * tf.sin(theta) + 3.0 * torque) * _TIME_STEP
        theta_dot = tf.clip_by_value(theta_dot, -_SPEED_LIMIT, _SPEED_LIMIT)
        after = PendulumState(theta + theta_dot * _TIME_STEP, theta_dot)
        return after, -cost, tf.zeros_like(theta, tf.bool)
