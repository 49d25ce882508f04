"""A Gymnasium environment whose observations and rewards count, so that a mistake at an episode's end shows."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Counting(gymnasium.Env):
    """Observes (episode, steps so far); rewards the step's number; terminates or truncates after `length` steps."""

    metadata = {"render_modes": []}

    def __init__(self, length: int = 3, end: str = "terminated", render_mode: str | None = None):
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = spaces.Discrete(3, start=-1)
        self.length, self.end, self.render_mode = length, end, render_mode
        self.episode, self.steps, self.actions = -1, 0, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.steps = self.episode + 1, 0
        return np.array([self.episode, 0.0]), {}

    def step(self, action):
        assert action in (-1, 0, 1)
        self.steps += 1
        over = self.steps == self.length
        observation = np.array([self.episode, self.steps], float)
        return observation, float(self.steps), over and self.end == "terminated", over and self.end == "truncated", {}


class Steered(Counting):
    """Takes a number in [−1, 1], which changes nothing."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def step(self, action):
        assert self.action_space.contains(action)
        return super().step(0)


class Breaking(Counting):
    """Raises in its second step."""

    def step(self, action):
        if self.steps == 1:
            raise ZeroDivisionError("the simulator broke")
        return super().step(action)


gymnasium.register("Counting-v0", Counting)
gymnasium.register("Steered-v0", Steered)
gymnasium.register("Breaking-v0", Breaking)
