"""MinAtar's Breakout: a paddle, a ball that travels along diagonals, and three rows of bricks."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.minatar.game import LEFT, RIGHT, MinAtarGame, choice, direction
from rl.environments.compiled.minatar.grid import COLUMNS, ROWS, SIZE, cell, picture

_BRICK_ROWS = slice(1, 4)
_BOTTOM = SIZE - 1


class BreakoutState(NamedTuple):
    """[N] int32 but for `strike` [N] bool and `bricks` [N, 3, 10] bool, rows 1 to 3 of the grid."""

    paddle: tf.Tensor  # column; the paddle is always in row 9
    ball_x: tf.Tensor
    ball_y: tf.Tensor
    right: tf.Tensor  # −1 or 1, the ball's way along x
    down: tf.Tensor  # −1 or 1, along y
    trail_x: tf.Tensor  # where the ball was a frame ago
    trail_y: tf.Tensor
    strike: tf.Tensor  # whether the ball met a brick in the last frame
    bricks: tf.Tensor
    last_action: tf.Tensor


class Breakout(MinAtarGame):
    """Move left and right; reward 1 for a brick; terminates where the ball passes the paddle.

    Channels: paddle, ball, trail, brick. Uniform numbers: a start takes one, for the corner where the ball begins (left
    below ½); a step takes one, for the sticky action.

    As in MinAtar: a ball that met a brick in the last frame goes through the next one without breaking it, the side of
    the paddle that is hit is told from the ball's column before and after the frame, a cleared wall comes back when
    the ball reaches the bottom row, and difficulty never ramps.
    """

    observation_shape = (SIZE, SIZE, 4)
    num_start_uniforms = 1

    def start(self, uniforms: tf.Tensor) -> BreakoutState:
        """The ball in row 3, at the left or the right wall, on its way down and inwards."""
        side = choice(uniforms[:, 0], 2)
        zero = tf.zeros_like(side)
        x, y = (SIZE - 1) * side, zero + 3
        return BreakoutState(
            paddle=zero + 4,
            ball_x=x,
            ball_y=y,
            right=1 - 2 * side,
            down=zero + 1,
            trail_x=x,
            trail_y=y,
            strike=tf.zeros_like(side, tf.bool),
            bricks=tf.ones((self.num_envs, 3, SIZE), tf.bool),
            last_action=zero,
        )

    def observe(self, state: BreakoutState) -> tf.Tensor:
        """[N, 10, 10, 4]."""
        return picture(
            cell(_BOTTOM, state.paddle),
            cell(state.ball_y, state.ball_x),
            cell(state.trail_y, state.trail_x),
            tf.pad(state.bricks, [[0, 0], [1, 6], [0, 0]]),
        )

    def advance(self, state: BreakoutState, action: tf.Tensor, uniforms: tf.Tensor):
        """The paddle moves, then the ball; a frame has at most one of ceiling, brick and bottom row."""
        action = self.played(state.last_action, action, uniforms)
        paddle = tf.clip_by_value(state.paddle + direction(action, LEFT, RIGHT), 0, SIZE - 1)

        beyond_x, beyond_y = state.ball_x + state.right, state.ball_y + state.down
        x = tf.clip_by_value(beyond_x, 0, SIZE - 1)
        right = tf.where(x == beyond_x, state.right, -state.right)

        target = state.bricks & (beyond_y[:, None, None] == ROWS[_BRICK_ROWS]) & (x[:, None, None] == COLUMNS)
        met = tf.reduce_any(target, (1, 2))
        broken = met & ~state.strike

        bottom = beyond_y == _BOTTOM
        inside = bottom & (state.ball_x == paddle)
        corner = bottom & ~inside & (x == paddle)
        cleared = bottom & ~tf.reduce_any(state.bricks, (1, 2))

        returned = broken | inside | corner
        after = BreakoutState(
            paddle=paddle,
            ball_x=x,
            ball_y=tf.where(returned, state.ball_y, tf.maximum(beyond_y, 0)),
            right=tf.where(corner, -right, right),
            down=tf.where(returned | (beyond_y < 0), -state.down, state.down),
            trail_x=state.ball_x,
            trail_y=state.ball_y,
            strike=met,
            bricks=cleared[:, None, None] | (state.bricks & ~(target & broken[:, None, None])),
            last_action=action,
        )
        return after, tf.cast(broken, tf.float32), bottom & ~inside & ~corner
