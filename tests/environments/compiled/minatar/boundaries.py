"""Counts of the boundary cases that transitions covered. Each: (before, after, reward, terminated) → counts."""


def breakout(before, after, reward, terminated):
    down = before.down > 0
    returned = down & (after.down < 0) & (before.ball_y == 8)
    return {
        "brick broken": reward > 0,
        "brick passed": after.strike & (reward == 0),
        "wall rebuilt": ~before.bricks.any((1, 2)) & after.bricks.all((1, 2)),
        "left wall": (before.ball_x == 0) & (before.right < 0),
        "right wall": (before.ball_x == 9) & (before.right > 0),
        "ceiling": (before.ball_y == 0) & ~down,
        "returned inside": returned & (before.ball_x == after.paddle),
        "returned by the corner": returned & (before.ball_x != after.paddle),
        "lost": terminated,
    }


def asterix(before, after, reward, terminated):
    filled, still_filled = before.x != -2, after.x != -2
    return {
        "gold": reward > 0,
        "enemy": terminated,
        "came in from the left": still_filled & ~filled & after.rightwards,
        "came in from the right": still_filled & ~filled & ~after.rightwards,
        "left the grid": filled & ~still_filled & (reward == 0)[:, None],
        "no empty slot": (before.spawn_timer == 0) & filled.all(1),
        "raised": after.ramp_index > before.ramp_index,
        "fastest": (after.ramp_index == 9) & (before.ramp_index == 9),
    }


def freeway(before, after, reward, terminated):
    back = (before.chicken_y < 8) & (after.chicken_y == 9)
    pressed = (before.move_timer == 0) & (after.move_timer > 0)
    return {
        "crossed": reward > 0,
        "hit": back & (reward == 0),
        "down": after.chicken_y == before.chicken_y + 1,
        "down at the bottom": pressed & (before.chicken_y == 9) & (after.chicken_y == 9),
        "car around to the left": after.x - before.x == -9,
        "car around to the right": after.x - before.x == 9,
        "time up": terminated,
    }


def space_invaders(before, after, reward, terminated):
    count = before.aliens.sum((1, 2))
    cleared = count == reward
    bombed = (before.bombs[:, 8] & _at(after.cannon)).any(1)
    landed = before.aliens[:, 9].any(1) & (before.alien_move_timer == 0) & (after.heading != before.heading)
    met = (before.aliens[:, 9] & _at(after.cannon)).any(1)
    shot = after.bombs.copy()
    shot[:, 1:] &= ~before.bombs[:, :-1]
    left_of = _at(2 * after.cannon - shot.any(1).argmax(1)) & (after.cannon > shot.any(1).argmax(1))[:, None]
    return {
        "alien shot": reward > 0,
        "two at once": reward > 1,
        "wave cleared": cleared,
        "raised": after.ramp_index > before.ramp_index,
        "not raised any more": cleared & (before.ramp_index == 6),
        "turned at the left": (before.heading < 0) & (after.heading > 0),
        "turned at the right": (before.heading > 0) & (after.heading < 0),
        "bombed": terminated & bombed,
        "ran into an alien": terminated & met & ~bombed,
        "hit by an alien's move": terminated & ~bombed & ~met & ~landed,
        "landed": terminated & landed,
        "one alien left": count == 1,
        "left of two as near shoots": (before.alien_shot_timer == 0) & (left_of & after.aliens.any(1)).any(1),
    }


def _at(column):
    return column[:, None] == range(10)
