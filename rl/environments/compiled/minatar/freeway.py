"""MinAtar's Freeway: a chicken crosses eight lanes of cars."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments.compiled.minatar.game import DOWN, UP, MinAtarGame, choice, direction
from rl.environments.compiled.minatar.grid import COLUMNS, SIZE, cell, picture

_LANES = np.arange(1, 9, dtype=np.int32)
_CHICKEN_X, _BOTTOM = 4, SIZE - 1
_MOVE_INTERVAL, _FRAMES = 3, 2500
_SPEEDS = 5


class FreewayState(NamedTuple):
    """The state of the game, int32; there are eight cars, one in each of rows 1 to 8.

    chicken_y: the chicken's row, [N]; its column is always 4.
    move_timer: frames until the chicken can move again, [N].
    frames_left: frames until the episode terminates, [N].
    x: the cars' columns, [N, 8].
    car_timer: frames until each car moves, [N, 8].
    speed: ±1 to ±5, [N, 8]; a car moves once in |speed| + 1 frames, to the right if its speed is positive.
    last_action: the action played last, [N].
    """

    chicken_y: tf.Tensor
    move_timer: tf.Tensor
    frames_left: tf.Tensor
    x: tf.Tensor
    car_timer: tf.Tensor
    speed: tf.Tensor
    last_action: tf.Tensor


class Freeway(MinAtarGame):
    """Move up and down every third frame; reward 1 at the top, after which the chicken is back at the bottom.

    A car that hits the chicken sends it back to the bottom; a car that leaves the grid re-enters it at the other side.

    Channels: chicken, car, and one trail for each |speed| from 1 to 5. `start` takes eight uniform numbers, one for the
    speed of each car; a step takes nine, for the sticky action and for the cars' new speeds after the chicken has
    crossed. The ten equally probable speeds are, in order, −1 to −5 and 1 to 5.

    As in MinAtar: an episode terminates with frame 2501, not 2500, since its timer has to fall below 0; a car moves
    once in |speed| + 1 frames, since its timer counts from |speed| down to 0; pressing down at the bottom uses up a
    move; the difficulty is never raised. MinAtar draws a direction as the sign of a uniform number minus ½, so that one
    car in 2⁵³ has speed 0; here no car has.
    """

    observation_shape = (SIZE, SIZE, 7)
    num_start_uniforms = 8
    num_step_uniforms = 9

    def start(self, uniforms: tf.Tensor) -> FreewayState:
        """The chicken at the bottom, all cars at the left edge with random speeds; uniforms: [N, 8]."""
        zero, speed = tf.zeros(self.num_envs, tf.int32), _speeds(uniforms)
        return FreewayState(
            chicken_y=zero + _BOTTOM,
            move_timer=zero + _MOVE_INTERVAL,
            frames_left=zero + _FRAMES,
            x=tf.zeros_like(speed),
            car_timer=tf.abs(speed),
            speed=speed,
            last_action=zero,
        )

    def observe(self, state: FreewayState) -> tf.Tensor:
        """The frame [N, 10, 10, 7]; a trail is one column behind its car, in the channel of the car's speed."""
        x, speed, behind = (
            tf.pad(row, [[0, 0], [1, 1]], constant_values=-1)[..., None]
            for row in (state.x, tf.abs(state.speed), (state.x - tf.sign(state.speed)) % SIZE)
        )
        trail = behind == COLUMNS
        trails = (trail & (speed == number) for number in range(1, _SPEEDS + 1))
        return picture(cell(state.chicken_y, _CHICKEN_X), x == COLUMNS, *trails)

    def advance(self, state: FreewayState, action: tf.Tensor, uniforms: tf.Tensor):
        """One frame: the chicken moves, then the cars.

        A car hits the chicken if it is in the chicken's cell before or after its own move. All speeds are redrawn when
        the chicken has crossed.

        Args: uniforms: [N, 9]. See `CompiledEnvironment.advance`.
        Returns: next state; reward 1 if the chicken reached the top; terminated if no frames are left.
        """
        action = self.played(state.last_action, action, uniforms)
        step = tf.where(state.move_timer == 0, direction(action, UP, DOWN), 0)
        move_timer = tf.where(step == 0, state.move_timer, _MOVE_INTERVAL)
        y = tf.minimum(state.chicken_y + step, _BOTTOM)

        crossed = y == 0
        speed = tf.where(crossed[:, None], _speeds(uniforms[:, 1:]), state.speed)
        car_timer = tf.where(crossed[:, None], tf.abs(speed), state.car_timer)

        moves = car_timer == 0
        x = tf.where(moves, (state.x + tf.sign(speed)) % SIZE, state.x)
        hit = (y[:, None] == _LANES) & ((state.x == _CHICKEN_X) | (x == _CHICKEN_X))
        frames_left = state.frames_left - 1
        after = FreewayState(
            chicken_y=tf.where(crossed | tf.reduce_any(hit, 1), _BOTTOM, y),
            move_timer=tf.maximum(move_timer - 1, 0),
            frames_left=frames_left,
            x=x,
            car_timer=tf.where(moves, tf.abs(speed), car_timer - 1),
            speed=speed,
            last_action=action,
        )
        return after, tf.cast(crossed, tf.float32), frames_left < 0


def _speeds(uniforms: tf.Tensor) -> tf.Tensor:
    """Random speeds ±1 to ±5, each with equal probability, [N, 8] int32; uniforms: [N, 8]."""
    number = choice(uniforms, 2 * _SPEEDS)
    return tf.where(number < _SPEEDS, -1 - number, number - (_SPEEDS - 1))
