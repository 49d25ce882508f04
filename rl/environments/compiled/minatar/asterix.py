"""MinAtar's Asterix: enemies and treasure come from both sides, one to a row, ever faster."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments.compiled.minatar.game import DOWN, LEFT, RIGHT, UP, MinAtarGame, choice, direction
from rl.environments.compiled.minatar.grid import COLUMNS, SIZE, cell, picture

_SLOTS = 8  # slot i is row i + 1
_NOWHERE = -2  # the column of an empty slot; not next to a column of the grid, so that no trail shows
_RAMP_INTERVAL, _LAST_RAMP = 100, 9
_FIRST_SPAWN_INTERVAL, _FIRST_MOVE_INTERVAL = 10, 5


class AsterixState(NamedTuple):
    """[N] int32; of the slots [N, 8], `x` int32 and the others bool. Where a slot is empty, x is −2."""

    player_x: tf.Tensor
    player_y: tf.Tensor
    x: tf.Tensor
    rightwards: tf.Tensor
    gold: tf.Tensor
    spawn_timer: tf.Tensor
    move_timer: tf.Tensor
    ramp_timer: tf.Tensor
    ramp_index: tf.Tensor  # how often the difficulty was raised; spawn and move intervals follow from it
    last_action: tf.Tensor


class Asterix(MinAtarGame):
    """Move in four directions; reward 1 for a treasure; terminates where the player meets an enemy.

    Channels: player, enemy, trail, gold. Uniform numbers: a start takes none; a step takes four, for the sticky
    action, the newcomer's side (left below ½), its kind (gold below ⅓) and its slot among the empty ones.

    As in MinAtar: the difficulty is raised every 102 frames, one for each value of a timer from 100 to −1; with eight
    slots filled nothing spawns, and the spawn timer begins anew; MinAtar's shot timer is never used, and is left out.
    """

    observation_shape = (SIZE, SIZE, 4)
    num_start_uniforms = 0
    num_step_uniforms = 4

    def start(self, uniforms: tf.Tensor) -> AsterixState:
        """The player alone, near the middle."""
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
        """[N, 10, 10, 4]."""
        x, behind = state.x, state.x - _heading(state.rightwards)
        enemy, gold, trail = (
            tf.pad(column, [[0, 0], [1, 1]], constant_values=_NOWHERE)[..., None] == COLUMNS
            for column in (tf.where(state.gold, _NOWHERE, x), tf.where(state.gold, x, _NOWHERE), behind)
        )
        return picture(cell(state.player_y, state.player_x), enemy, trail, gold)

    def advance(self, state: AsterixState, action: tf.Tensor, uniforms: tf.Tensor):
        """A newcomer spawns, the player moves, then all the others do; what meets the player counts before and after.

        A row has one slot, so that the player meets at most one of them in a frame.
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
        """(whether the difficulty is raised, the ramp timer), [N]; nothing changes once both intervals are 1.

        Each raise takes 1 from the spawn interval, every second one 1 from the move interval: 10 − k and 5 − ⌊k/2⌋
        after k raises, and 1 and 1 after nine.
        """
        if not self.difficulty_ramping:
            return tf.zeros_like(state.ramp_timer, tf.bool), state.ramp_timer
        active, due = state.ramp_index < _LAST_RAMP, state.ramp_timer < 0
        return active & due, tf.where(active, tf.where(due, _RAMP_INTERVAL, state.ramp_timer - 1), state.ramp_timer)


def _heading(rightwards: tf.Tensor) -> tf.Tensor:
    """1 to the right, −1 to the left."""
    return tf.where(rightwards, 1, -1)


def _moved(x: tf.Tensor, rightwards: tf.Tensor) -> tf.Tensor:
    """[N, 8] columns a step on; whoever leaves the grid leaves the slot."""
    onwards = x + _heading(rightwards)
    return tf.where((x != _NOWHERE) & (onwards >= 0) & (onwards < SIZE), onwards, _NOWHERE)


def _spawn(state: AsterixState, spawns: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The slots (x, rightwards, gold) [N, 8] with a newcomer in one of the empty ones where `spawns` [N] is true."""
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
