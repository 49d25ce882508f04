"""CartPole-v1 (Barto, Sutton & Anderson 1983), with Gymnasium's constants and its Euler step.

Differs from Gymnasium: float32 in place of float64, so transitions agree to float32 rounding.
"""

import math

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.spaces import Discrete

_GRAVITY, _POLE_MASS, _TOTAL_MASS, _HALF_LENGTH, _FORCE, _TIME_STEP = 9.8, 0.1, 1.1, 0.5, 10.0, 0.02
_X_LIMIT, _ANGLE_LIMIT = 2.4, 12 * 2 * math.pi / 360


class CartPole(CompiledEnvironment):
    """Balance a pole on a cart by pushing the cart left (0) or right (1) with 10 N for 0.02 s; reward 1 per step.

    The state is the observation, [N, 4] float32: position x (m), velocity ẋ (m/s), angle θ from upright (rad) and
    angular velocity θ̇ (rad/s). An episode terminates where |x| > 2.4 m or |θ| > 12°.
    """

    observation_shape = (4,)
    action_space = Discrete(2)
    num_start_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> tf.Tensor:
        """All four components of the state, uniform in [−0.05, 0.05); uniforms: [N, 4]."""
        return uniforms * 0.1 - 0.05

    def observe(self, state: tf.Tensor) -> tf.Tensor:
        """The state itself, [N, 4]."""
        return state

    def advance(self, state: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor):
        """One Euler step of 0.02 s, without friction.

        p = (F + m l θ̇² sin θ)/M,  θ̈ = (g sin θ − p cos θ) / (l (4/3 − (m/M) cos² θ)),  ẍ = p − (m l/M) θ̈ cos θ

        F is the force, m = 0.1 kg the pole's mass, M = 1.1 kg the total mass and l = 0.5 m half the pole's length
        (Florian 2007, "Correct equations for the dynamics of the cart-pole system").

        Args: action: [N] int64, 0 or 1. See `CompiledEnvironment.advance`.
        """
        x, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
        force = tf.where(action == 1, _FORCE, -_FORCE)
        cosine, sine = tf.cos(theta), tf.sin(theta)
        push = (force + _POLE_MASS * _HALF_LENGTH * tf.square(theta_dot) * sine) / _TOTAL_MASS
        theta_acceleration = (_GRAVITY * sine - cosine * push) / (
            _HALF_LENGTH * (4.0 / 3.0 - _POLE_MASS * tf.square(cosine) / _TOTAL_MASS)
        )
        x_acceleration = push - _POLE_MASS * _HALF_LENGTH * theta_acceleration * cosine / _TOTAL_MASS
        x, theta = x + _TIME_STEP * x_dot, theta + _TIME_STEP * theta_dot
        x_dot, theta_dot = x_dot + _TIME_STEP * x_acceleration, theta_dot + _TIME_STEP * theta_acceleration
        terminated = (tf.abs(x) > _X_LIMIT) | (tf.abs(theta) > _ANGLE_LIMIT)
        return tf.stack([x, x_dot, theta, theta_dot], -1), tf.ones_like(x), terminated
