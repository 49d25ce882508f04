"""MinAtar's own games, made to draw what our uniform numbers mean, and their states as arrays."""

from collections import deque

import minatar
import numpy as np


class Scripted:
    """A replacement for `RandomState` that draws from a given list of uniform numbers, in order."""

    def __init__(self):
        self.numbers = deque()
        self.directions = None

    def give(self, numbers):
        self.numbers = deque(numbers)

    def _choice(self, n):
        return min(int(self.numbers.popleft() * np.float32(n)), n - 1)

    def rand(self, size=None):
        """A number; or Freeway's eight, whose side of ½ is a car's direction."""
        if size is None:
            return float(self.numbers.popleft())
        assert len(self.directions) == size
        return np.where(self.directions < 0, 0.25, 0.75)

    def randint(self, low, high=None, size=None):
        """One of `low`; or Freeway's eight speeds from 1 to 5, whose signs the next `rand` gives."""
        if size is None:
            return self._choice(low)
        assert (low, high) == (1, 6)
        choices = np.array([self._choice(10) for _ in range(size)])
        self.directions = np.where(choices < 5, -1, 1)
        return choices % 5 + 1


class Originals:
    """N games of MinAtar, stepped one after another."""

    def __init__(self, name, num_envs, sticky_action_probability, difficulty_ramping):
        self.environments = []
        for _ in range(num_envs):
            environment = minatar.Environment(name, sticky_action_probability, difficulty_ramping)
            environment.random = environment.env.random = Scripted()
            self.environments.append(environment)
        self.games = [environment.env for environment in self.environments]
        self._state = {
            "breakout": _breakout,
            "asterix": _asterix,
            "freeway": _freeway,
            "space_invaders": _space_invaders,
        }[name]

    def reset(self, uniforms, which=None):
        for i in range(len(self.games)) if which is None else which:
            self.games[i].random.give(uniforms[i])
            self.environments[i].reset()

    def act(self, actions, uniforms):
        """(reward, terminated), [N]."""
        results = []
        for environment, action, numbers in zip(self.environments, actions, uniforms, strict=True):
            environment.random.give(numbers)
            results.append(environment.act(int(action)))
        reward, terminated = zip(*results, strict=True)
        return np.array(reward, np.float32), np.array(terminated, bool)

    def state(self, which=None):
        """Everything that the games and the wrapper remember, by name."""
        which = range(len(self.games)) if which is None else which
        state = self._state([self.games[i] for i in which])
        return {**state, "last_action": np.array([self.environments[i].last_action for i in which])}

    def observation(self, which=None):
        which = range(len(self.games)) if which is None else which
        return np.stack([self.games[i].state() for i in which]).astype(np.float32)


def _each(games, *names):
    return {name: np.array([getattr(game, name) for game in games]) for name in names}


def _breakout(games):
    return _each(games, "pos", "ball_x", "ball_y", "ball_dir", "last_x", "last_y", "strike", "brick_map")


def _asterix(games):
    numbers = "player_x", "player_y", "spawn_speed", "spawn_timer", "move_speed", "move_timer", "ramp_timer"
    entities = [[[-2] * 4 if entity is None else entity for entity in game.entities] for game in games]
    return {**_each(games, *numbers, "ramp_index"), "entities": np.array(entities, int)}


def _freeway(games):
    return _each(games, "pos", "move_timer", "terminate_timer", "cars")


def _space_invaders(games):
    numbers = "pos", "alien_dir", "enemy_move_interval", "alien_move_timer", "alien_shot_timer", "ramp_index"
    return _each(games, *numbers, "shot_timer", "f_bullet_map", "e_bullet_map", "alien_map")
