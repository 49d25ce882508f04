"""MinAtar's Breakout: a paddle, a ball that moves along diagonals, and three rows of bricks."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.minatar.game import LEFT, RIGHT, MinAtarGame, choice, direction
from rl.environments.compiled.minatar.grid import COLUMNS, ROWS, SIZE, cell, picture

_BRICK_ROWS = slice(1, 4)
_BOTTOM = SIZE - 1


class BreakoutState(NamedTuple):
    """The state of the game; fields are [N] int32 unless stated otherwise.

    paddle: the paddle's column; its row is always 9.
    ball_x, ball_y: the ball's column and row.
    right, down: the ball's direction along columns and rows, −1 or 1 each.
    trail_x, trail_y: the ball's position one frame ago.
    strike: whether the ball hit a brick in the last frame, [N] bool.
    bricks: the bricks in rows 1 to 3 of the grid, [N, 3, 10] bool.
    last_action: the action played last.
    """

    paddle: tf.Tensor
    ball_x: tf.Tensor
    ball_y: tf.Tensor
    right: tf.Tensor
    down: tf.Tensor
    trail_x: tf.Tensor
    trail_y: tf.Tensor
    strike: tf.Tensor
    bricks: tf.Tensor
    last_action: tf.Tensor


class Breakout(MinAtarGame):
    """Move left and right; reward 1 for a brick; an episode terminates when the ball passes the paddle.

    The ball moves one column and one row per frame. A brick that it hits breaks and reflects it.

    Channels: paddle, ball, trail, brick. `start` takes one uniform number, for the side on which the ball begins (left
    below ½); a step takes one, for the sticky action.

    As in MinAtar: a ball that hit a brick in the last frame passes through the next one without breaking it; the ball's
    column before and after the frame decides whether it hits the paddle's middle or its corner; a cleared wall is
    rebuilt when the ball reaches the bottom row; the difficulty is never raised.
    """

    observation_shape = (SIZE, SIZE, 4)
    num_start_uniforms = 1

    def start(self, uniforms: tf.Tensor) -> BreakoutState:
        """The ball in row 3 at the left or right wall, moving down and inwards; uniforms: [N, 1]."""
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
        """The frame [N, 10, 10, 4]."""
        return picture(
            cell(_BOTTOM, state.paddle),
            cell(state.ball_y, state.ball_x),
            cell(state.trail_y, state.trail_x),
            tf.pad(state.bricks, [[0, 0], [1, 6], [0, 0]]),
        )

    def advance(self, state: BreakoutState, action: tf.Tensor, uniforms: tf.Tensor):
        """One frame: the paddle moves, then the ball, which meets at most one of ceiling, brick and bottom row.

        A broken brick, the ceiling and the paddle's middle reverse the ball's vertical direction, the paddle's corner
        reverses both directions, and a side wall the horizontal one.

        Args: uniforms: [N, 1]. See `CompiledEnvironment.advance`.
        Returns: next state; reward 1 if a brick broke; terminated if the ball passed the paddle.
        """
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
