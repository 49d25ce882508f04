"""Gymnasium environments that violate their contract, with one fault each: `Bad-v0` with `fault=<name>`.

Without a fault, an observation has three numbers, the reward is 1, and an episode terminates after `length` steps. The
fault occurs at the environment's step number `at`, counted over all episodes, or where its name says.
"""

# ruff: noqa: ARG005  (a fault need not use its environment)

import os
import signal
import time
from collections.abc import Callable
from typing import ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

SIZE = 3


class Local(type("Base", (Exception,), {})):
    """An exception that cannot be pickled, since no module holds the base of its class."""

    def __reduce__(self):
        raise TypeError("cannot be pickled")


def _raise(error: BaseException):
    raise error


def _observation(make: Callable) -> Callable:
    """A fault of a step's observation: `make` maps the environment to the observation."""
    return lambda env: (make(env), 1.0, False, False, {})


def _reward(reward) -> Callable:
    """A fault of a step's reward."""
    return lambda env: (env.sound(), reward, False, False, {})


def _with(value: float) -> Callable:
    """A function from the environment to an observation with this value in it."""

    def observed(env):
        observation = env.sound()
        observation[1] = value
        return observation

    return observed


STEPS = {
    "nan_observation": _observation(_with(np.nan)),
    "inf_observation": _observation(_with(-np.inf)),
    "huge_observation": _observation(_with(3e38)),
    "wide_observation": _observation(lambda env: np.zeros(SIZE + 1, np.float32)),
    "narrow_observation": _observation(lambda env: np.zeros(1, np.float32)),  # NumPy would broadcast it
    "scalar_observation": _observation(lambda env: 0.5),
    "no_observation": _observation(lambda env: None),
    "text_observation": _observation(lambda env: "up"),
    "object_observation": _observation(lambda env: np.array([1, None, "x"], object)),
    "complex_observation": _observation(lambda env: np.zeros(SIZE, np.complex64)),
    "ragged_observation": _observation(lambda env: [1.0, [2.0], 3.0]),
    "dict_observation": _observation(lambda env: {"position": env.sound()}),
    "nan_final_observation": lambda env: (_with(np.nan)(env), 1.0, True, False, {}),
    "nan_reward": _reward(float("nan")),
    "inf_reward": _reward(float("inf")),
    "huge_reward": _reward(1e300),
    "no_reward": _reward(None),
    "text_reward": _reward("good"),
    "complex_reward": _reward(1j),
    "two_rewards": _reward(np.ones(2)),
    "dict_reward": _reward({"speed": 1.0}),
    "terminated_none": lambda env: (env.sound(), 1.0, None, False, {}),
    "terminated_text": lambda env: (env.sound(), 1.0, "no", False, {}),
    "four_results": lambda env: (env.sound(), 1.0, False, {}),
    "no_result": lambda env: None,
    "info_none": lambda env: (env.sound(), 1.0, False, False, None),
    "raises": lambda env: _raise(ZeroDivisionError("the simulator broke")),
    "raises_many_lines": lambda env: _raise(ValueError("first line\nsecond line")),
    "raises_unpicklable": lambda env: _raise(Local("not to be sent")),
    "raises_without_words": lambda env: _raise(AssertionError()),
    "recurses": lambda env: env.again(),
    "exits": lambda env: _raise(SystemExit(7)),
    "interrupts": lambda env: _raise(KeyboardInterrupt()),
}
"""{fault: what `step` does instead}: reported in training, in one process and in several."""

RESETS = {
    "raises_in_reset": lambda env: _raise(OSError("no level file")),
    "nan_in_reset": lambda env: (np.full(SIZE, np.nan, np.float32), {}),
    "wide_reset": lambda env: (np.zeros(SIZE + 1, np.float32), {}),
    "reset_without_info": lambda env: env.sound(),
}
"""{fault: what `reset` does instead}, from the environment's step number `at` on."""

ENDS_ITS_PROCESS = {
    "dies": lambda env: os._exit(9),
    "is_killed": lambda env: os.kill(os.getpid(), signal.SIGKILL),
}
"""Faults only for an environment in its own process."""

OTHERS = ("raises_in_constructor", "raises_in_close", "hangs_in_close", "hangs_in_step", "never_ends")

TOLERATED = {
    "double_observation": _observation(lambda env: env.sound().astype(np.float64)),
    "whole_observation": _observation(lambda env: np.arange(SIZE)),
    "listed_observation": _observation(lambda env: [0.1, 0.2, 0.3]),
    "whole_reward": _reward(2),
    "reward_in_an_array": _reward(np.array([2.0])),
    "numpy_flags": lambda env: (env.sound(), np.float32(1), np.bool_(False), np.bool_(False), {}),
}
"""{fault: what `step` does instead}: unusual values with a clear meaning, which are accepted."""

FAULTS = (*STEPS, *RESETS, *ENDS_ITS_PROCESS, *OTHERS)


class Bad(gymnasium.Env):
    """An environment with one fault; see the module."""

    metadata: ClassVar = {"render_modes": []}

    def __init__(self, fault: str | None = None, at: int = 3, length: int = 8):
        self.observation_space = spaces.Box(-np.inf, np.inf, (SIZE,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.fault, self.at, self.length = fault, at, length
        self.steps = self.elapsed = 0
        if fault == "raises_in_constructor":
            raise RuntimeError("no licence")

    def sound(self) -> np.ndarray:
        """An observation without fault."""
        return self.np_random.normal(size=SIZE).astype(np.float32)

    def again(self):
        """Recurses without end."""
        return self.again()

    def reset(self, *, seed=None, options=None):
        """Resets; a fault of `RESETS` occurs once `at` steps are done."""
        super().reset(seed=seed)
        self.elapsed = 0
        if self.fault in RESETS and self.steps >= self.at:
            return RESETS[self.fault](self)
        return self.sound(), {}

    def step(self, action):
        """Steps; the fault occurs in step number `at`."""
        self.steps, self.elapsed = self.steps + 1, self.elapsed + 1
        if self.steps == self.at:
            fault = {**STEPS, **ENDS_ITS_PROCESS, **TOLERATED}.get(self.fault)
            if fault:
                return fault(self)
            if self.fault == "hangs_in_step":
                time.sleep(3600)
        over = self.elapsed == self.length and self.fault != "never_ends"
        return self.sound(), 1.0, over, False, {}

    def close(self):
        """Closes; two faults occur here."""
        if self.fault == "raises_in_close":
            raise OSError("the window is gone already")
        if self.fault == "hangs_in_close":
            time.sleep(3600)


gymnasium.register("Bad-v0", Bad)
