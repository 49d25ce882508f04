"""Our states with the names and layout of MinAtar's."""

import numpy as np


def breakout(state):
    going_up = state.down < 0
    return {
        "pos": state.paddle,
        "ball_x": state.ball_x,
        "ball_y": state.ball_y,
        "ball_dir": np.where(going_up, state.right > 0, 2 + (state.right < 0)),
        "last_x": state.trail_x,
        "last_y": state.trail_y,
        "strike": state.strike,
        "brick_map": np.pad(state.bricks, [[0, 0], [1, 6], [0, 0]]),
    }


def asterix(state):
    entities = np.stack([state.x, np.zeros_like(state.x) + np.arange(1, 9), state.rightwards, state.gold], -1)
    return {
        "player_x": state.player_x,
        "player_y": state.player_y,
        "spawn_speed": 10 - state.ramp_index,
        "spawn_timer": state.spawn_timer,
        "move_speed": 5 - state.ramp_index // 2,
        "move_timer": state.move_timer,
        "ramp_timer": state.ramp_timer,
        "ramp_index": state.ramp_index,
        "entities": np.where(state.x[..., None] == -2, -2, entities),
    }


def freeway(state):
    return {
        "pos": state.chicken_y,
        "move_timer": state.move_timer,
        "terminate_timer": state.frames_left,
        "cars": np.stack([state.x, np.zeros_like(state.x) + np.arange(1, 9), state.car_timer, state.speed], -1),
    }


def space_invaders(state):
    return {
        "pos": state.cannon,
        "alien_dir": state.heading,
        "enemy_move_interval": 12 - state.ramp_index,
        "alien_move_timer": state.alien_move_timer,
        "alien_shot_timer": state.alien_shot_timer,
        "ramp_index": state.ramp_index,
        "shot_timer": state.shot_timer,
        "f_bullet_map": state.bullets,
        "e_bullet_map": state.bombs,
        "alien_map": state.aliens,
    }
