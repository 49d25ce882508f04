"""Pendulum-v1, with Gymnasium's constants."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.protocol import Box

_GRAVITY, _TIME_STEP, _SPEED_LIMIT, _TORQUE_LIMIT = 10.0, 0.05, 8.0, 2.0


class PendulumState(NamedTuple):
    """Angle from upright (rad) and angular velocity (rad/s), each [N] float32."""

    theta: tf.Tensor
    theta_dot: tf.Tensor


class Pendulum(CompiledEnvironment):
    """Swing a rod of 1 m and 1 kg up and hold it by a torque within ±2 N m; never terminates.

    Reward −(θ² + 0.1 θ̇² + 0.001 torque²), of the state before the step, with θ in [−π, π).
    """

    observation_shape = (3,)
    action_space = Box(np.array([-_TORQUE_LIMIT], np.float32), np.array([_TORQUE_LIMIT], np.float32))
    num_start_uniforms = 2

    def start(self, uniforms: tf.Tensor) -> PendulumState:
        """Angle uniform in ±π, angular velocity in ±1."""
        theta, theta_dot = tf.unstack(uniforms * 2.0 - 1.0, axis=-1)
        return PendulumState(math.pi * theta, theta_dot)

    def observe(self, state: PendulumState) -> tf.Tensor:
        """(cos θ, sin θ, θ̇), [N, 3]."""
        return tf.stack([tf.cos(state.theta), tf.sin(state.theta), state.theta_dot], -1)

    def advance(self, state: PendulumState, action: tf.Tensor, uniforms: tf.Tensor):
        """θ̈ = 15 sin θ + 3 torque, the velocity first and then the angle by it; action: [N, 1].

        Differs from Gymnasium, whose float64 angle piles up: whole turns are taken off, since float32 would blur it.
        """
        theta = state.theta - 2 * math.pi * tf.floor((state.theta + math.pi) / (2 * math.pi))
        torque = tf.clip_by_value(action[..., 0], -_TORQUE_LIMIT, _TORQUE_LIMIT)
        cost = tf.square(theta) + 0.1 * tf.square(state.theta_dot) + 0.001 * tf.square(torque)
        theta_dot = state.theta_dot + (1.5 * _GRAVITY * tf.sin(theta) + 3.0 * torque) * _TIME_STEP
        theta_dot = tf.clip_by_value(theta_dot, -_SPEED_LIMIT, _SPEED_LIMIT)
        after = PendulumState(theta + theta_dot * _TIME_STEP, theta_dot)
        return after, -cost, tf.zeros_like(theta, tf.bool)
