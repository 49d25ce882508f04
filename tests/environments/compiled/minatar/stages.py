"""Situations that are rare in play, set up in the last few games.

Each: (MinAtar's games, our state as arrays); both are changed in place, to the same situation.
"""

import numpy as np


def breakout(games, state):
    """One brick left."""
    for i in range(-5, 0):
        state.bricks[i] = False
        state.bricks[i, 0, i] = True
        games[i].brick_map = np.pad(state.bricks[i], [[1, 6], [0, 0]]).astype(float)


def asterix(games, state):
    """The greatest difficulty."""
    for game in games[-20:]:
        game.ramp_index, game.spawn_speed, game.move_speed = 9, 1, 1
    state.ramp_index[-20:] = 9


def freeway(games, state):
    """Nothing: ordinary play covers every case."""


def space_invaders(games, state):
    """The cannon in column 5, aliens and bullets where they are about to meet it or each other."""
    situations = [
        # aliens,       bullets,          ramp index, frames until the aliens move
        ([(2, 3), (2, 6)], [], 5, 12),  # the last wave but one
        ([(3, 5)], [(4, 5)], 6, 12),  # the last alien of a fastest wave, about to be shot
        ([(2, 3), (2, 6), (0, 0)], [(3, 3), (3, 6)], 0, 12),  # two, about to be shot in one frame
        ([(9, 0), (4, 4)], [], 0, 0),  # on the ground, at the edge
        *[([(9, 6), (9, 8)], [], 0, 0)] * 3,  # beside the cannon, about to move
        *[([(9, 4), (9, 6)], [], 0, 12)] * 5,  # on either side of the cannon
    ]
    for i, (aliens, bullets, ramp_index, frames) in enumerate(situations, -len(situations)):
        for grid, cells in ((state.aliens, aliens), (state.bullets, bullets)):
            grid[i] = False
            grid[i][tuple(zip(*cells, strict=True)) or ([], [])] = True
        state.ramp_index[i], state.alien_move_timer[i] = ramp_index, frames
        game = games[i]
        game.alien_map, game.f_bullet_map = state.aliens[i].astype(float), state.bullets[i].astype(float)
        game.ramp_index, game.enemy_move_interval, game.alien_move_timer = ramp_index, 12 - ramp_index, frames
