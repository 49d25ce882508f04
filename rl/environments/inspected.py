"""One Gymnasium environment whose every answer is looked at before it enters a batch, where it could hide."""

import inspect
import numbers
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rl.environments.origin import in_one_line

_PLAIN_REWARDS = (float, int, np.float64, np.float32)
_PLAIN_FLAGS = (bool, np.bool_)


class MishapError(Exception):
    """What went wrong in one environment, in a form that can be sent from one process to another.

    number: of the environment; what: the words for it; end: the SystemExit or KeyboardInterrupt that it raised, if any.
    """

    def __init__(self, number: int, what: str, end: BaseException | None = None):
        super().__init__(number, what, end)
        self.number, self.what, self.end = number, what, end


class _RefusedError(Exception):
    """An answer that does not fit the environment's own spaces; the words for it."""


class Inspected(gymnasium.Wrapper):
    """The environment with number `number`, whose mistakes are raised as `MishapError`.

    What is checked are kinds and shapes; that numbers are finite is checked for the whole batch at once. The order of
    the tests matters for speed: a sound answer costs three comparisons.
    """

    def __init__(self, env: gymnasium.Env, number: int):
        super().__init__(env)
        self.number = number
        self._space = env.observation_space
        self._shape, self._dtype = self._space.shape, self._space.dtype
        self._file = _source_of(env.unwrapped)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """As the environment's own, or a MishapError."""
        try:
            answer = self.env.reset(seed=seed, options=options)
            _require_tuple(answer, ("observation", "info"), "reset")
            return self._observed(answer[0]), answer[1]
        except BaseException as error:
            raise self._mishap(error) from error

    def step(self, action: Any):
        """As the environment's own, or a MishapError."""
        try:
            answer = self.env.step(action)
            _require_tuple(answer, ("observation", "reward", "terminated", "truncated", "info"), "step")
            observation, reward, terminated, truncated, info = answer
            if type(reward) not in _PLAIN_REWARDS:
                reward = _number(reward)
            if type(terminated) not in _PLAIN_FLAGS or type(truncated) not in _PLAIN_FLAGS:
                terminated, truncated = _flag("terminated", terminated), _flag("truncated", truncated)
            if type(info) is not dict and not isinstance(info, dict):
                raise _RefusedError(f"info is {_shown(info)}; it must be a dict")
            return self._observed(observation), reward, terminated, truncated, info
        except BaseException as error:
            raise self._mishap(error) from error

    def _mishap(self, error: BaseException) -> MishapError:
        if isinstance(error, _RefusedError):
            return MishapError(self.number, str(error))
        end = error if isinstance(error, SystemExit | KeyboardInterrupt) else None
        return MishapError(self.number, in_one_line(error, self._file), end)

    def _observed(self, observation: Any) -> Any:
        if type(observation) is np.ndarray and observation.dtype == self._dtype and observation.shape == self._shape:
            return observation
        space = self._space
        if isinstance(space, spaces.Discrete):
            if isinstance(observation, np.ndarray) and observation.size == 1:
                observation = observation.item()
            if not isinstance(observation, numbers.Integral) or not 0 <= observation - space.start < space.n:
                raise _RefusedError(f"the observation is {_shown(observation)}; the space declares {space}")
            return observation
        try:
            array = np.asarray(observation)
        except ValueError:  # rows of several lengths
            array = np.asarray(None)
        if not np.can_cast(array.dtype, self._dtype, "same_kind"):
            raise _RefusedError(
                f"the observation is {_shown(observation)}; the space declares {self._dtype} {self._shape}"
            )
        if array.shape != self._shape:
            raise _RefusedError(f"the observation has shape {array.shape}; the space declares {self._shape}")
        return array


def _require_tuple(answer: Any, fields: tuple[str, ...], method: str) -> None:
    if type(answer) is tuple and len(answer) == len(fields):
        return
    if not isinstance(answer, tuple) or len(answer) != len(fields):
        count = f"{len(answer)} values" if isinstance(answer, tuple) else _shown(answer)
        raise _RefusedError(f"`{method}` returns {count}; it must return ({', '.join(fields)})")


def _number(reward: Any) -> float:
    """A number, or an array that holds one, as a float."""
    one = reward.item() if isinstance(reward, np.ndarray | np.generic) and reward.size == 1 else reward
    if not isinstance(one, numbers.Real):
        raise _RefusedError(f"the reward is {_shown(reward)}; it must be a number")
    return float(one)


def _flag(name: str, value: Any) -> bool:
    """A bool, or a 0 or 1 that is meant for one."""
    one = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    if not isinstance(one, bool | int) or one not in (0, 1):
        raise _RefusedError(f"{name} is {_shown(value)}; it must be True or False")
    return bool(one)


def _shown(value: Any) -> str:
    """A value's kind, and itself where it is short."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} {value.shape}"
    text = " ".join(repr(value).split())
    return f"{text} ({type(value).__name__})" if len(text) <= 40 else f"of type {type(value).__name__}"


def _source_of(environment: gymnasium.Env) -> str | None:
    try:
        return inspect.getsourcefile(type(environment))
    except TypeError:  # made in an interpreter, or built in
        return None
