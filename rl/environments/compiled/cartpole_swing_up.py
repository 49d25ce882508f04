"""Cart-pole swing-up: CartPole's mechanics with a continuous force, from a hanging pole."""

import math

import numpy as np
import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.compiled.mechanics import runge_kutta
from rl.spaces import Box

GRAVITY, POLE_MASS, CART_MASS, HALF_LENGTH = 9.8, 0.1, 1.0, 0.5
FORCE, TRACK, SECONDS = 10.0, 2.4, 0.02


class CartPoleSwingUp(CompiledEnvironment):
    """Swing a pole up and hold it upright in the middle of a track, by a force on the cart; never terminates.

    The reward is ½ (1 + cos θ) (1 − (x/2.4)²), in [0, 1]: 1 for an upright pole in the middle. The state is [N, 4]:
    position x (m), velocity ẋ, angle θ from upright (rad), angular velocity θ̇. The cart stops at the track's ends,
    |x| = 2.4 m, without bouncing. There is no friction. The constants are CartPole's.
    """

    observation_shape = (5,)
    action_space = Box(np.array([-1.0], np.float32), np.array([1.0], np.float32))
    num_start_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> tf.Tensor:
        """The pole hangs: θ is π, x is 0, each component ± 0.1 uniformly; uniforms: [N, 4]."""
        return uniforms * 0.2 - 0.1 + tf.constant([0.0, 0.0, math.pi, 0.0])

    def observe(self, state: tf.Tensor) -> tf.Tensor:
        """(x, ẋ, cos θ, sin θ, θ̇), [N, 5]."""
        x, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
        return tf.stack([x, x_dot, tf.cos(theta), tf.sin(theta), theta_dot], -1)

    def advance(self, state: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor):
        """One Runge-Kutta step of 0.02 s under a constant force of 10 N times the action, clipped to ±1.

        The reward is that of the state after the step. Whole turns are subtracted from θ before it, since a growing
        float32 angle would lose precision. See `CompiledEnvironment.advance`; action: [N, 1] float32.
        """
        x, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
        theta = theta - 2 * math.pi * tf.round(theta / (2 * math.pi))
        force = FORCE * tf.clip_by_value(action[..., 0], -1.0, 1.0)
        after = runge_kutta(
            lambda moving: motion(moving, force), tf.stack([x, x_dot, theta, theta_dot], -1), seconds=SECONDS
        )
        x, x_dot, theta, theta_dot = tf.unstack(after, axis=-1)
        x_dot = tf.where(tf.abs(x) < TRACK, x_dot, 0.0)
        x = tf.clip_by_value(x, -TRACK, TRACK)
        reward = 0.5 * (1.0 + tf.cos(theta)) * (1.0 - tf.square(x / TRACK))
        return tf.stack([x, x_dot, theta, theta_dot], -1), reward, tf.zeros_like(x, tf.bool)


def motion(state: tf.Tensor, force: tf.Tensor) -> tf.Tensor:
    """The time derivative of (x, ẋ, θ, θ̇), [N, 4], of a uniform pole of half-length l on a cart.

    p = (F + m l θ̇² sin θ)/M,  θ̈ = (g sin θ − p cos θ) / (l (4/3 − (m/M) cos² θ)),  ẍ = p − (m l/M) θ̈ cos θ

    M is the mass of cart and pole (Florian 2007, "Correct equations for the dynamics of the cart-pole system").

    Args: state: [N, 4]; force: F in N, [N].
    """
    _, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
    total, moment = CART_MASS + POLE_MASS, POLE_MASS * HALF_LENGTH
    cosine, sine = tf.cos(theta), tf.sin(theta)
    push = (force + moment * tf.square(theta_dot) * sine) / total
    turning = (GRAVITY * sine - push * cosine) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * tf.square(cosine) / total))
    return tf.stack([x_dot, push - moment * turning * cosine / total, theta_dot, turning], -1)
