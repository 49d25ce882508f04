"""Simple policies that reach situations which random actions do not.

Each: (our state as arrays, generator) → actions [N].
"""

import numpy as np

NOTHING, LEFT, UP, RIGHT, DOWN, FIRE = range(6)


def towards(position, target):
    return np.select([target < position, target > position], [LEFT, RIGHT], NOTHING)


def breakout(state, random):
    """Moves to the ball's column now or one frame later, at random, and so returns it by the middle or the corner."""
    leads = random.random(len(state.paddle)) < 0.5
    return towards(state.paddle, np.clip(state.ball_x + leads * state.right, 0, 9))


def asterix(state, random):
    """The move with no enemy ahead that is nearest to treasure."""
    rows = np.arange(1, 9)
    heading = np.where(state.rightwards, 1, -1)
    scores = []
    for dx, dy in ((0, 0), (-1, 0), (0, -1), (1, 0), (0, 1)):
        x = np.clip(state.player_x + dx, 0, 9)[:, None]
        y = np.clip(state.player_y + dy, 1, 8)[:, None]
        ahead = (x - state.x) * heading
        present = state.x != -2
        danger = (rows == y) & present & ~state.gold & (ahead >= 0) & (ahead <= 2)
        edge = (x < 2) | (x > 7)
        far = np.where(present & state.gold, np.abs(x - state.x) + np.abs(y - rows), 20).min(1)
        scores.append(-100 * danger.any(1) - 2 * edge[:, 0] - far)
    return np.argmax(scores, 0)


def freeway(state, random):
    """Up."""
    return np.full_like(state.chicken_y, UP)


def space_invaders(state, random):
    """Steps aside from a bullet; otherwise fires where an alien will be, or goes there."""
    each, rows, columns = np.arange(len(state.cannon)), np.arange(10)[:, None], np.arange(10)
    danger = state.bombs[:, 7:9].any(1)
    left_is_safe = (state.cannon > 0) & ~danger[each, np.maximum(state.cannon - 1, 0)]
    away = np.where(left_is_safe, LEFT, RIGHT)

    interval = np.minimum(state.aliens.sum((1, 2)), 12 - state.ramp_index)
    moves = (9 - rows) // interval[:, None, None]
    meeting = (columns + state.heading[:, None, None] * moves) % 20  # there and back again
    meeting = np.where(meeting < 10, meeting, 19 - meeting)
    distance = np.where(state.aliens, np.abs(meeting - state.cannon[:, None, None]), 99).reshape(-1, 100)
    target = meeting.reshape(-1, 100)[each, distance.argmin(1)]
    fires = (state.shot_timer == 0) & (target == state.cannon)
    return np.select([danger[each, state.cannon], fires], [away, FIRE], towards(state.cannon, target))
