"""Acrobot-v1 (Sutton 1996), with Gymnasium's constants and the dynamics of Sutton & Barto 1998, section 11.3.

Differs from Gymnasium: float32 in place of float64. High angular velocities amplify rounding errors, so transitions
then agree to fewer digits.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.spaces import Discrete

_GRAVITY, _TIME_STEP = 9.8, 0.2
_SPEED_LIMIT_1, _SPEED_LIMIT_2 = 4 * math.pi, 9 * math.pi


class AcrobotState(NamedTuple):
    """The state of the two links, each field [N] float32.

    theta_1: angle of the first link from hanging down, in rad, within ±π.
    theta_2: angle of the second link relative to the first, in rad, within ±π.
    theta_1_dot, theta_2_dot: their angular velocities in rad/s, within ±4π and ±9π.
    """

    theta_1: tf.Tensor
    theta_2: tf.Tensor
    theta_1_dot: tf.Tensor
    theta_2_dot: tf.Tensor


class Acrobot(CompiledEnvironment):
    """Swing the tip of two links above the bar, by a torque at the joint between them.

    Actions 0, 1, 2 are torques of −1, 0 and 1 N m, held for 0.2 s. An episode terminates where the tip is more than one
    link above the bar, −cos θ₁ − cos(θ₁ + θ₂) > 1. The reward is −1 per step, and 0 for the step that terminates.
    """

    observation_shape = (6,)
    action_space = Discrete(3)
    num_start_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> AcrobotState:
        """All four components of the state, uniform in [−0.1, 0.1); uniforms: [N, 4]."""
        return AcrobotState(*tf.unstack(uniforms * 0.2 - 0.1, axis=-1))

    def observe(self, state: AcrobotState) -> tf.Tensor:
        """(cos θ₁, sin θ₁, cos θ₂, sin θ₂, θ̇₁, θ̇₂), [N, 6]."""
        one, two = state.theta_1, state.theta_2
        return tf.stack([tf.cos(one), tf.sin(one), tf.cos(two), tf.sin(two), state.theta_1_dot, state.theta_2_dot], -1)

    def advance(self, state: AcrobotState, action: tf.Tensor, uniforms: tf.Tensor):
        """One classical Runge-Kutta step of 0.2 s; angles are then wrapped to ±π, velocities clipped to ±4π and ±9π.

        Args: action: [N] int64, 0 to 2. See `CompiledEnvironment.advance`.
        """
        torque = tf.cast(action, state.theta_1.dtype) - 1.0
        k_1 = _derivative(state, torque)
        k_2 = _derivative(_along(state, _TIME_STEP / 2, k_1), torque)
        k_3 = _derivative(_along(state, _TIME_STEP / 2, k_2), torque)
        k_4 = _derivative(_along(state, _TIME_STEP, k_3), torque)
        slope = AcrobotState(*(a + 2.0 * b + 2.0 * c + d for a, b, c, d in zip(k_1, k_2, k_3, k_4, strict=True)))
        after = _along(state, _TIME_STEP / 6, slope)
        after = AcrobotState(
            _wrap(after.theta_1),
            _wrap(after.theta_2),
            tf.clip_by_value(after.theta_1_dot, -_SPEED_LIMIT_1, _SPEED_LIMIT_1),
            tf.clip_by_value(after.theta_2_dot, -_SPEED_LIMIT_2, _SPEED_LIMIT_2),
        )
        terminated = -tf.cos(after.theta_1) - tf.cos(after.theta_1 + after.theta_2) > 1.0
        return after, tf.where(terminated, 0.0, -1.0), terminated


def _derivative(state: AcrobotState, torque: tf.Tensor) -> AcrobotState:
    """The time derivative of the state (Sutton & Barto 1998, section 11.3).

    d₁ = 3.5 + cos θ₂,  d₂ = 1.25 + ½ cos θ₂,  φ₂ = ½ g sin(θ₁ + θ₂)
    φ₁ = −½ θ̇₂² sin θ₂ − θ̇₁ θ̇₂ sin θ₂ + 1.5 g sin θ₁ + φ₂
    θ̈₂ = (τ + (d₂/d₁) φ₁ − ½ θ̇₁² sin θ₂ − φ₂) / (1.25 − d₂²/d₁),  θ̈₁ = −(d₂ θ̈₂ + φ₁)/d₁

    These are the book's equations for masses, lengths and moments of inertia of 1 and centres of mass at ½, with
    cos(x − π/2) written as sin x; τ is the torque.
    """
    one, two, one_dot, two_dot = state
    sine = tf.sin(two)
    half_cosine = 0.5 * tf.cos(two)
    d_1 = 3.5 + 2.0 * half_cosine
    d_2 = 1.25 + half_cosine
    phi_2 = 0.5 * _GRAVITY * tf.sin(one + two)
    phi_1 = -(0.5 * two_dot + one_dot) * two_dot * sine + 1.5 * _GRAVITY * tf.sin(one) + phi_2
    ratio = d_2 / d_1
    two_ddot = (torque + ratio * phi_1 - 0.5 * tf.square(one_dot) * sine - phi_2) / (1.25 - d_2 * ratio)
    one_ddot = -(d_2 * two_ddot + phi_1) / d_1
    return AcrobotState(one_dot, two_dot, one_ddot, two_ddot)


def _along(state: AcrobotState, time: float, slope: AcrobotState) -> AcrobotState:
    """The state moved along a slope for a time, state + time · slope."""
    return AcrobotState(*(s + time * k for s, k in zip(state, slope, strict=True)))


def _wrap(angle: tf.Tensor) -> tf.Tensor:
    """The angle reduced by whole turns to [−π, π], both ends included; a link may turn more than once in a step."""
    turns = tf.math.ceil((tf.abs(angle) - math.pi) / (2 * math.pi))
    return angle - tf.sign(angle) * tf.maximum(turns, 0.0) * (2 * math.pi)
