"""MinAtar's Asterix: collect treasure and avoid enemies, which cross the screen ever faster."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.minatar.game import DOWN, LEFT, RIGHT, UP, MinAtarGame, choice, direction
from rl.environments.compiled.minatar.grid import COLUMNS, SIZE, cell, picture

_SLOTS = 8  # slot i is row i + 1
_NOWHERE = -2  # the column of an empty slot; two columns off the grid, so that no trail is visible
_RAMP_INTERVAL, _LAST_RAMP = 100, 9
_FIRST_SPAWN_INTERVAL, _FIRST_MOVE_INTERVAL = 10, 5


class AsterixState(NamedTuple):
    """The state of the game; each of eight slots, one per row from 1 to 8, holds at most one enemy or treasure.

    player_x, player_y: the player's column and row, [N] int32.
    x: column of the slot's object, [N, 8] int32; −2 where the slot is empty.
    rightwards: whether the object moves to the right, [N, 8] bool.
    gold: whether it is a treasure, [N, 8] bool; otherwise it is an enemy.
    spawn_timer, move_timer, ramp_timer: frames until an object spawns, objects move, and the difficulty is raised,
        [N] int32.
    ramp_index: number of times that the difficulty was raised, [N] int32; it determines the spawn and move intervals.
    last_action: the action played last, [N] int32.
    """

    player_x: tf.Tensor
    player_y: tf.Tensor
    x: tf.Tensor
    rightwards: tf.Tensor
    gold: tf.Tensor
    spawn_timer: tf.Tensor
    move_timer: tf.Tensor
    ramp_timer: tf.Tensor
    ramp_index: tf.Tensor
    last_action: tf.Tensor


class Asterix(MinAtarGame):
    """Move in four directions; reward 1 for a treasure; an episode terminates when the player meets an enemy.

    The player moves within rows 1 to 8. Objects enter at the left or right edge, every 10 frames at first, and move one
    column every 5 frames at first; they leave the game at the other edge.

    Channels: player, enemy, trail, gold. `start` takes no uniform numbers, a step takes four: for the sticky action,
    the new object's side (left below ½), its kind (gold below ⅓) and its slot among the empty ones.

    As in MinAtar: the difficulty is raised every 102 frames, one for each value of a timer from 100 to −1; when all
    eight slots are filled nothing spawns, and the spawn timer restarts. MinAtar's shot timer, which the game never
    uses, is omitted.
    """

    observation_shape = (SIZE, SIZE, 4)
    num_start_uniforms = 0
    num_step_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> AsterixState:
        """The player at (5, 5), all slots empty; uniforms: [N, 0]."""
        zero, no = tf.zeros(self.num_envs, tf.int32), tf.zeros((self.num_envs, _SLOTS), tf.bool)
        return AsterixState(
            player_x=zero + 5,
            player_y=zero + 5,
            x=tf.fill((self.num_envs, _SLOTS), _NOWHERE),
            rightwards=no,
            gold=no,
            spawn_timer=zero + _FIRST_SPAWN_INTERVAL,
            move_timer=zero + _FIRST_MOVE_INTERVAL,
            ramp_timer=zero + _RAMP_INTERVAL,
            ramp_index=zero,
            last_action=zero,
        )

    def observe(self, state: AsterixState) -> tf.Tensor:
        """The frame [N, 10, 10, 4]; a trail is one column behind its object."""
        x, behind = state.x, state.x - _heading(state.rightwards)
        enemy, gold, trail = (
            tf.pad(column, [[0, 0], [1, 1]], constant_values=_NOWHERE)[..., None] == COLUMNS
            for column in (tf.where(state.gold, _NOWHERE, x), tf.where(state.gold, x, _NOWHERE), behind)
        )
        return picture(cell(state.player_y, state.player_x), enemy, trail, gold)

    def advance(self, state: AsterixState, action: tf.Tensor, uniforms: tf.Tensor):
        """One frame: an object spawns, the player moves, then the objects move.

        The player meets an object that is in its cell before or after the objects' move. A row has one slot, so the
        player meets at most one object per frame.

        Args: uniforms: [N, 4]. See `CompiledEnvironment.advance`.
        Returns: next state; reward 1 if the player met a treasure; terminated if it met an enemy.
        """
        action = self.played(state.last_action, action, uniforms)
        spawns, moves = state.spawn_timer == 0, state.move_timer == 0
        x, rightwards, gold = _spawn(state, spawns, uniforms[:, 1:])

        player_x = tf.clip_by_value(state.player_x + direction(action, LEFT, RIGHT), 0, SIZE - 1)
        player_y = tf.clip_by_value(state.player_y + direction(action, UP, DOWN), 1, SIZE - 2)
        in_row = player_y[:, None] == COLUMNS[1:-1]

        met = in_row & (x == player_x[:, None])
        x = tf.where(met & gold, _NOWHERE, x)
        x = tf.where(moves[:, None], _moved(x, rightwards), x)
        met |= in_row & (x == player_x[:, None])
        x = tf.where(met & gold, _NOWHERE, x)

        raised, ramp_timer = self._ramp(state)
        after = AsterixState(
            player_x,
            player_y,
            x,
            rightwards,
            gold,
            spawn_timer=tf.where(spawns, _FIRST_SPAWN_INTERVAL - state.ramp_index, state.spawn_timer) - 1,
            move_timer=tf.where(moves, _FIRST_MOVE_INTERVAL - state.ramp_index // 2, state.move_timer) - 1,
            ramp_timer=ramp_timer,
            ramp_index=state.ramp_index + tf.cast(raised, tf.int32),
            last_action=action,
        )
        return after, tf.cast(tf.reduce_any(met & gold, 1), tf.float32), tf.reduce_any(met & ~gold, 1)

    def _ramp(self, state: AsterixState) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether the difficulty is raised in this frame, and the next ramp timer, [N] each.

        After k raises the spawn interval is 10 − k frames and the move interval 5 − ⌊k/2⌋. After nine raises both are
        1, and the difficulty is raised no further.
        """
        if not self.difficulty_ramping:
            return tf.zeros_like(state.ramp_timer, tf.bool), state.ramp_timer
        active, due = state.ramp_index < _LAST_RAMP, state.ramp_timer < 0
        return active & due, tf.where(active, tf.where(due, _RAMP_INTERVAL, state.ramp_timer - 1), state.ramp_timer)


def _heading(rightwards: tf.Tensor) -> tf.Tensor:
    """The change of column in one move, 1 to the right and −1 to the left, int32."""
    return tf.where(rightwards, 1, -1)


def _moved(x: tf.Tensor, rightwards: tf.Tensor) -> tf.Tensor:
    """The columns [N, 8] after one move; an object that leaves the grid leaves its slot empty."""
    onwards = x + _heading(rightwards)
    return tf.where((x != _NOWHERE) & (onwards >= 0) & (onwards < SIZE), onwards, _NOWHERE)


def _spawn(state: AsterixState, spawns: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The slots after a new object has entered a random empty one, where `spawns` is true.

    Args:
        spawns: [N] bool.
        uniforms: [N, 3], for side, kind and slot.
    Returns: (x, rightwards, gold), [N, 8] each.
    """
    empty = state.x == _NOWHERE
    order = tf.cumsum(tf.cast(empty, tf.int32), axis=1)
    chosen = choice(uniforms[:, 2], order[:, -1]) + 1
    here = spawns[:, None] & empty & (order == chosen[:, None])
    rightwards, gold = uniforms[:, 0:1] < 1 / 2, uniforms[:, 1:2] < 1 / 3
    return (
        tf.where(here, tf.where(rightwards, 0, SIZE - 1), state.x),
        tf.where(here, rightwards, state.rightwards),
        tf.where(here, gold, state.gold),
    )
