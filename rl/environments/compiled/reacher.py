"""Reacher from frames: a two-link arm in the plane has to bring its hand to a target."""

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.environments.compiled.environment import CompiledEnvironment, EpisodeSteps
from rl.environments.compiled.mechanics import runge_kutta
from rl.settings import Number, PositiveInteger, checked
from rl.spaces import Box

LINK, INERTIA, DAMPING, TORQUE, SECONDS = 0.5, 0.25, 1.0, 4.0, 0.05
SIZE, _EXTENT, _THICKNESS = 24, 1.15, 1.2
_CENTRES = (np.arange(SIZE) + 0.5) / SIZE * 2 * _EXTENT - _EXTENT
_PIXEL = 2 * _EXTENT / SIZE


Place = Annotated[Sequence[Annotated[Number, Field(ge=-1, le=1)]], Field(min_length=2, max_length=2)]
"""A place (x, y) in m."""


class ReacherState(NamedTuple):
    """The state of N arms, each field [N, 2] float32."""

    angles: tf.Tensor
    """Angle of the first link from the x axis, and angle between the two links, in rad."""
    speeds: tf.Tensor
    """Angular velocities of both joints, in rad/s."""
    before: tf.Tensor
    """The angles one step earlier; at the start, the angles themselves."""
    target: tf.Tensor
    """Position of the target in m."""


class Reacher(CompiledEnvironment):
    """A planar arm of two links of 0.5 m, 1 kg at the end of each, torques in two damped joints; never terminates.

    The reward is −|hand − target| in m after the step. With one target for all episodes SAC learnt the task from frames
    in 11,000 updates; with targets that change it did not. An observation is a frame [24, 24, 3] uint8 with one channel
    each for the arm, the arm one step earlier (for the speeds), and the target; it shows 2.3 m by 2.3 m.
    """

    unchecked = ("reward",)
    observation_shape = (SIZE, SIZE, 3)
    observation_dtype = tf.uint8
    action_space = Box(-np.ones(2, np.float32), np.ones(2, np.float32))
    num_start_uniforms = 4

    @checked
    def __init__(self, *, num_envs: PositiveInteger, max_episode_steps: EpisodeSteps | None, target: Place | None):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
            target: where the target is in every episode, (x, y) in m; None: uniform in the disc of radius 0.9 m, anew
                for each episode.
        """
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.target = target

    def start(self, uniforms: tf.Tensor) -> ReacherState:
        """Angles uniform in [−π, π), at rest; uniforms: [N, 4], the last two for a target that changes."""
        angles = (2.0 * uniforms[..., :2] - 1.0) * math.pi
        if self.target is None:
            radius, turn = 0.9 * tf.sqrt(uniforms[..., 2]), 2.0 * math.pi * uniforms[..., 3]
            target = tf.stack([radius * tf.cos(turn), radius * tf.sin(turn)], -1)
        else:
            target = tf.zeros_like(angles) + tf.constant(self.target, angles.dtype)
        return ReacherState(angles, tf.zeros_like(angles), angles, target)

    def observe(self, state: ReacherState) -> tf.Tensor:
        """The frames, [N, 24, 24, 3] uint8."""
        origin = tf.zeros_like(state.target)
        arms = []
        for angles in (state.angles, state.before):
            elbow, hand = places(angles)
            arms.append(tf.maximum(_drawn(origin, elbow), _drawn(elbow, hand)))
        frame = tf.stack([*arms, _drawn(state.target, state.target)], -1)
        return tf.cast(tf.round(255.0 * frame), tf.uint8)

    def advance(self, state: ReacherState, action: tf.Tensor, uniforms: tf.Tensor):
        """One Runge-Kutta step of 0.05 s under constant torques of 4 N m times the action, clipped to ±1.

        See `CompiledEnvironment.advance`; action: [N, 2] float32.
        """
        torque = TORQUE * tf.clip_by_value(action, -1.0, 1.0)
        angles = state.angles - 2 * math.pi * tf.round(state.angles / (2 * math.pi))
        moved = runge_kutta(
            lambda moving: motion(moving, torque, damping=DAMPING),
            tf.concat([angles, state.speeds], -1),
            seconds=SECONDS,
        )
        after = ReacherState(moved[..., :2], moved[..., 2:], angles, state.target)
        _, hand = places(after.angles)
        distance = tf.norm(hand - state.target, axis=-1)
        return after, -distance, tf.zeros_like(distance, tf.bool)


def places(angles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Positions of elbow and hand in m, [N, 2] each, from angles [N, 2]."""
    first, both = angles[..., 0], angles[..., 0] + angles[..., 1]
    elbow = LINK * tf.stack([tf.cos(first), tf.sin(first)], -1)
    return elbow, elbow + LINK * tf.stack([tf.cos(both), tf.sin(both)], -1)


def motion(state: tf.Tensor, torque: tf.Tensor, *, damping: float) -> tf.Tensor:
    """The time derivative of (q₁, q₂, q̇₁, q̇₂), [N, 4], of two massless links with equal masses at their ends.

    M(q) q̈ + c(q, q̇) = τ − b q̇, with I = m l², a = I cos q₂, h = I sin q₂:
    M = [[3 I + 2 a, I + a], [I + a, I]],  c = (−h (2 q̇₁ q̇₂ + q̇₂²), h q̇₁²)    (Spong et al. 2006, section 7.3)

    Args: state: [N, 4]; torque: τ in N m, [N, 2]; damping: b in N m s.
    """
    _, second, first_dot, second_dot = tf.unstack(state, axis=-1)
    along, across = INERTIA * tf.cos(second), INERTIA * tf.sin(second)
    to_first = torque[..., 0] - damping * first_dot + across * (2.0 * first_dot * second_dot + tf.square(second_dot))
    to_second = torque[..., 1] - damping * second_dot - across * tf.square(first_dot)
    m11, m12, m22 = 3.0 * INERTIA + 2.0 * along, INERTIA + along, INERTIA
    determinant = m11 * m22 - tf.square(m12)  # I² (2 − cos² q₂) > 0
    first_acceleration = (m22 * to_first - m12 * to_second) / determinant
    second_acceleration = (m11 * to_second - m12 * to_first) / determinant
    return tf.stack([first_dot, second_dot, first_acceleration, second_acceleration], -1)


def _drawn(start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Segments with round ends and soft edges, [N, 24, 24] in [0, 1], row by row from the top.

    Args: start, end: [N, 2] in m; equal ones make a dot.
    """
    x = tf.constant(_CENTRES, tf.float32) - start[..., 0, None]
    y = tf.constant(_CENTRES[::-1].copy(), tf.float32) - start[..., 1, None]
    along = end - start
    dot = x[..., None, :] * along[..., 0, None, None] + y[..., :, None] * along[..., 1, None, None]
    length = tf.reduce_sum(tf.square(along), -1)[..., None, None]
    share = tf.clip_by_value(dot / tf.maximum(length, 1e-12), 0.0, 1.0)
    across = x[..., None, :] - share * along[..., 0, None, None]
    upwards = y[..., :, None] - share * along[..., 1, None, None]
    distance = tf.sqrt(tf.square(across) + tf.square(upwards))
    return tf.clip_by_value(_THICKNESS + 0.5 - distance / _PIXEL, 0.0, 1.0)
