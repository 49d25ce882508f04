"""MinAtar's Space Invaders: a cannon shoots at waves of aliens, which shoot back."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments.compiled.minatar.game import FIRE, LEFT, RIGHT, MinAtarGame, direction
from rl.environments.compiled.minatar.grid import COLUMNS, ROWS, SIZE, cell, picture

_BOTTOM = SIZE - 1
_SHOT_INTERVAL, _ALIEN_SHOT_INTERVAL = 5, 10
_FIRST_MOVE_INTERVAL, _LAST_MOVE_INTERVAL = 12, 6
_WAVE = (ROWS < 4) & (COLUMNS >= 2) & (COLUMNS < 8)
_NO_ALIEN = np.iinfo(np.int32).max
_ABOVE, _BELOW = [[0, 0], [1, 0], [0, 0]], [[0, 0], [0, 1], [0, 0]]
_ON_THE_LEFT, _ON_THE_RIGHT = [[0, 0], [0, 0], [1, 0]], [[0, 0], [0, 0], [0, 1]]


class SpaceInvadersState(NamedTuple):
    """The state of the game; fields are [N] int32, but for the three grids [N, 10, 10] bool.

    cannon: the cannon's column; its row is always 9.
    bullets: the cannon's bullets (grid).
    bombs: the aliens' bullets (grid).
    aliens: the aliens (grid).
    heading: the aliens' direction along columns, −1 or 1.
    shot_timer: frames until the cannon can fire again.
    alien_move_timer, alien_shot_timer: frames until the aliens move, and until one shoots.
    ramp_index: number of times that the difficulty was raised; each raise shortens the interval between moves by one
        frame.
    last_action: the action played last.
    """

    cannon: tf.Tensor
    bullets: tf.Tensor
    bombs: tf.Tensor
    aliens: tf.Tensor
    heading: tf.Tensor
    shot_timer: tf.Tensor
    alien_move_timer: tf.Tensor
    alien_shot_timer: tf.Tensor
    ramp_index: tf.Tensor
    last_action: tf.Tensor


class SpaceInvaders(MinAtarGame):
    """Move left and right and fire; reward 1 per alien; terminates when a bullet or an alien reaches the cannon.

    Bullets move one row per frame. The cannon can fire every 5 frames, and an alien shoots every 10 frames. A wave has
    24 aliens in rows 0 to 3; when the last one is hit, the next wave appears.

    Channels: cannon, alien, alien moving left, alien moving right, friendly bullet, enemy bullet. `start` takes no
    uniform numbers, a step takes one, for the sticky action.

    As in MinAtar: the alien that shoots is the lowest one in the column nearest to the cannon, or in the left one of
    two equally near columns; aliens that reach an edge in the bottom row terminate the episode, and appear at the top
    of its last frame; a new wave keeps the heading and the timers of the old one; the reward of a frame is the number
    of aliens hit and may exceed 1.
    """

    observation_shape = (SIZE, SIZE, 6)
    num_start_uniforms = 0

    def start(self, uniforms: tf.Tensor) -> SpaceInvadersState:
        """A wave of 24 aliens that moves left, the cannon in column 5, no bullets; uniforms: [N, 0]."""
        zero, nowhere = tf.zeros(self.num_envs, tf.int32), tf.zeros((self.num_envs, SIZE, SIZE), tf.bool)
        return SpaceInvadersState(
            cannon=zero + 5,
            bullets=nowhere,
            bombs=nowhere,
            aliens=nowhere | _WAVE,
            heading=zero - 1,
            shot_timer=zero,
            alien_move_timer=zero + _FIRST_MOVE_INTERVAL,
            alien_shot_timer=zero + _ALIEN_SHOT_INTERVAL,
            ramp_index=zero,
            last_action=zero,
        )

    def observe(self, state: SpaceInvadersState) -> tf.Tensor:
        """The frame [N, 10, 10, 6]."""
        leftwards = (state.heading < 0)[:, None, None]
        return picture(
            cell(_BOTTOM, state.cannon),
            state.aliens,
            state.aliens & leftwards,
            state.aliens & ~leftwards,
            state.bullets,
            state.bombs,
        )

    def advance(self, state: SpaceInvadersState, action: tf.Tensor, uniforms: tf.Tensor):
        """One frame: the cannon moves or fires, bullets move, aliens move, one alien shoots, and hits are counted.

        The interval between the aliens' moves is the number of aliens, at most 12 frames; with difficulty ramping each
        cleared wave lowers this maximum by 1, down to 6.

        Args: uniforms: [N, 1]. See `CompiledEnvironment.advance`.
        Returns: next state; the number of aliens hit as reward; terminated if the cannon is hit or aliens land.
        """
        action = self.played(state.last_action, action, uniforms)
        fires = (action == FIRE) & (state.shot_timer == 0)
        cannon = tf.clip_by_value(state.cannon + direction(action, LEFT, RIGHT), 0, SIZE - 1)
        bullets = tf.pad(state.bullets[:, 1:], _BELOW) | (fires[:, None, None] & cell(_BOTTOM - 1, cannon))
        bombs = tf.pad(state.bombs[:, :-1], _ABOVE)

        moves = state.alien_move_timer == 0
        count = _count(state.aliens)
        aliens, heading, landed = _march(state, moves)
        at_cannon = (bombs | state.aliens | aliens)[:, _BOTTOM] & (cannon[:, None] == COLUMNS)
        terminated = landed | tf.reduce_any(at_cannon, 1)

        shoots = state.alien_shot_timer == 0
        bombs |= shoots[:, None, None] & _nearest(aliens, cannon)

        hits = aliens & bullets
        kills = _count(hits)
        cleared = kills == count
        raised = cleared & (self._move_interval(state) > _LAST_MOVE_INTERVAL) & self.difficulty_ramping
        alien_move_timer = tf.where(moves, tf.minimum(count, self._move_interval(state)), state.alien_move_timer)
        after = SpaceInvadersState(
            cannon=cannon,
            bullets=bullets & ~hits,
            bombs=bombs,
            aliens=(aliens & ~hits) | (cleared[:, None, None] & _WAVE),
            heading=heading,
            shot_timer=tf.maximum(tf.where(fires, _SHOT_INTERVAL, state.shot_timer) - 1, 0),
            alien_move_timer=alien_move_timer - 1,
            alien_shot_timer=tf.where(shoots, _ALIEN_SHOT_INTERVAL, state.alien_shot_timer) - 1,
            ramp_index=state.ramp_index + tf.cast(raised, tf.int32),
            last_action=action,
        )
        return after, tf.cast(kills, tf.float32), terminated

    @staticmethod
    def _move_interval(state: SpaceInvadersState) -> tf.Tensor:
        """The largest number of frames between two moves of the aliens, [N] int32."""
        return _FIRST_MOVE_INTERVAL - state.ramp_index


def _count(grid: tf.Tensor) -> tf.Tensor:
    """The number of true cells of a grid [N, 10, 10], [N] int32."""
    return tf.reduce_sum(tf.cast(grid, tf.int32), (1, 2))


def _march(state: SpaceInvadersState, moves: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Moves the aliens sideways, or at an edge one row down with the opposite heading.

    Args: moves: [N] bool, whether they move in this frame.
    Returns: (aliens [N, 10, 10] bool, heading [N] int32, [N] bool whether they moved down from the bottom row).
    """
    aliens, leftwards = state.aliens, state.heading < 0
    at_edge = tf.where(leftwards[:, None], aliens[:, :, 0], aliens[:, :, -1])
    down = moves & tf.reduce_any(at_edge, 1)
    lowered = tf.concat([aliens[:, -1:], aliens[:, :-1]], 1)
    aside = tf.where(
        leftwards[:, None, None], tf.pad(aliens[:, :, 1:], _ON_THE_RIGHT), tf.pad(aliens[:, :, :-1], _ON_THE_LEFT)
    )
    marched = tf.where(moves[:, None, None], tf.where(down[:, None, None], lowered, aside), aliens)
    return marched, tf.where(down, -state.heading, state.heading), down & tf.reduce_any(aliens[:, _BOTTOM], 1)


def _nearest(aliens: tf.Tensor, cannon: tf.Tensor) -> tf.Tensor:
    """The alien that shoots: the lowest one in the column nearest to the cannon, the left one of two such columns.

    Args: aliens: [N, 10, 10] bool; cannon: [N] int32, its column.
    Returns: [N, 10, 10] bool with one true cell, or none if there are no aliens.
    """
    aside = COLUMNS - cannon[:, None]
    order = (2 * tf.abs(aside) + tf.cast(aside > 0, tf.int32))[:, None, :] * SIZE - ROWS
    order = tf.where(aliens, order, _NO_ALIEN)
    return aliens & (order == tf.reduce_min(order, (1, 2), keepdims=True))
