"""CartPole-v1 (Barto, Sutton & Anderson 1983), with Gymnasium's constants and Euler step."""

import math
from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.protocol import Discrete

_GRAVITY, _POLE_MASS, _TOTAL_MASS, _HALF_LENGTH, _FORCE, _TIME_STEP = 9.8, 0.1, 1.1, 0.5, 10.0, 0.02
_X_LIMIT, _ANGLE_LIMIT = 2.4, 12 * 2 * math.pi / 360


class CartPoleState(NamedTuple):
    """Position (m), velocity (m/s), angle (rad) and angular velocity (rad/s), each [N] float32."""

    x: tf.Tensor
    x_dot: tf.Tensor
    theta: tf.Tensor
    theta_dot: tf.Tensor


class CartPole(CompiledEnvironment):
    """Push a cart left (0) or right (1) so that the pole on it stands; reward 1 a step.

    Terminates where |x| > 2.4 m or |θ| > 12°.
    """

    observation_shape = (4,)
    action_space = Discrete(2)
    num_start_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> CartPoleState:
        """All four numbers uniform in ±0.05."""
        return CartPoleState(*tf.unstack(uniforms * 0.1 - 0.05, axis=-1))

    def observe(self, state: CartPoleState) -> tf.Tensor:
        """The state, [N, 4]."""
        return tf.stack(state, -1)

    def advance(self, state: CartPoleState, action: tf.Tensor, uniforms: tf.Tensor):
        """Equations of Florian 2007 ("Correct equations for the dynamics of the cart-pole system"), friction-free."""
        x, x_dot, theta, theta_dot = state
        force = tf.where(action == 1, _FORCE, -_FORCE)
        cosine, sine = tf.cos(theta), tf.sin(theta)
        push = (force + _POLE_MASS * _HALF_LENGTH * tf.square(theta_dot) * sine) / _TOTAL_MASS
        theta_acceleration = (_GRAVITY * sine - cosine * push) / (
            _HALF_LENGTH * (4.0 / 3.0 - _POLE_MASS * tf.square(cosine) / _TOTAL_MASS)
        )
        x_acceleration = push - _POLE_MASS * _HALF_LENGTH * theta_acceleration * cosine / _TOTAL_MASS
        after = CartPoleState(
            x + _TIME_STEP * x_dot,
            x_dot + _TIME_STEP * x_acceleration,
            theta + _TIME_STEP * theta_dot,
            theta_dot + _TIME_STEP * theta_acceleration,
        )
        terminated = (tf.abs(after.x) > _X_LIMIT) | (tf.abs(after.theta) > _ANGLE_LIMIT)
        return after, tf.ones_like(x), terminated
