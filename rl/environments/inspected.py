"""A wrapper that checks every return value of one Gymnasium environment, before batching can hide an invalid one."""

import inspect
import numbers
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rl.environments.origin import in_one_line

_PLAIN_REWARDS = (float, int, np.float64, np.float32)  # types that are accepted without conversion
_PLAIN_FLAGS = (bool, np.bool_)


class MishapError(Exception):
    """A failure of one environment; picklable, so that it can be sent between processes."""

    def __init__(self, number: int, what: str, end: BaseException | None = None):
        """
        Args:
            number: index of the environment among those stepped together, from 0.
            what: description of the failure, for the message.
            end: the SystemExit or KeyboardInterrupt that the environment raised; None for any other failure.
        """
        super().__init__(number, what, end)
        self.number, self.what, self.end = number, what, end


class _RefusedError(Exception):
    """A return value that does not fit Gymnasium's interface or the environment's own spaces."""


class Inspected(gymnasium.Wrapper):
    """An environment whose exceptions and invalid return values are raised as `MishapError`.

    The wrapper checks the length of the returned tuples; that an observation has the space's shape and a dtype that
    converts to the space's, or, for a Discrete space, is an integer in its range; that the reward is a number, the
    flags are bools and the info is a dictionary. Finiteness is checked elsewhere, for the whole batch at once. A valid
    return value costs three comparisons.
    """

    def __init__(self, env: gymnasium.Env, number: int):
        """
        Args:
            env: the environment to wrap.
            number: its index among those stepped together, from 0, for messages.
        """
        super().__init__(env)
        self.number = number
        self._space = env.observation_space
        self._shape, self._dtype = self._space.shape, self._space.dtype
        self._file = _source_of(env.unwrapped)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Calls the environment's `reset` and checks its return value.

        Returns: (observation, info).
        Raises: MishapError if the environment raises an exception or returns an invalid value.
        """
        try:
            answer = self.env.reset(seed=seed, options=options)
            _require_tuple(answer, ("observation", "info"), "reset")
            return self._observed(answer[0]), answer[1]
        except BaseException as error:
            raise self._mishap(error) from error

    def step(self, action: Any):
        """Calls the environment's `step` and checks its return value.

        Returns: (observation, reward, terminated, truncated, info), with reward and flags as Python or NumPy scalars.
        Raises: MishapError if the environment raises an exception or returns an invalid value.
        """
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
        """The failure to report for an exception that the environment or a check raised."""
        if isinstance(error, _RefusedError):
            return MishapError(self.number, str(error))
        end = error if isinstance(error, SystemExit | KeyboardInterrupt) else None
        return MishapError(self.number, in_one_line(error, self._file), end)

    def _observed(self, observation: Any) -> Any:
        """Checks an observation against the space.

        Returns: the observation itself, or an array of the space's shape.
        Raises: _RefusedError if its shape differs, its dtype does not convert to the space's (`same_kind`), or it is
            not an integer in a Discrete space's range.
        """
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
    """Raises _RefusedError unless a method returned a tuple with one entry per field."""
    if type(answer) is tuple and len(answer) == len(fields):
        return
    if not isinstance(answer, tuple) or len(answer) != len(fields):
        count = f"{len(answer)} values" if isinstance(answer, tuple) else _shown(answer)
        raise _RefusedError(f"`{method}` returns {count}; it must return ({', '.join(fields)})")


def _number(reward: Any) -> float:
    """The reward, a number or an array with one entry, as a float. Raises: _RefusedError for anything else."""
    number = _item(reward)
    if not isinstance(number, numbers.Real):
        raise _RefusedError(f"the reward is {_shown(reward)}; it must be a number")
    return float(number)


def _flag(name: str, value: Any) -> bool:
    """A bool from a bool, 0 or 1, or an array that holds one of these. Raises: _RefusedError for anything else."""
    flag = _item(value)
    if not isinstance(flag, bool | int) or flag not in (0, 1):
        raise _RefusedError(f"{name} is {_shown(value)}; it must be True or False")
    return bool(flag)


def _item(value: Any) -> Any:
    """The only entry of an array or NumPy scalar as a Python object; any other value unchanged."""
    return value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value


def _shown(value: Any) -> str:
    """Describes a value in a message: its type, and the value itself if its `repr` has at most 40 characters."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} {value.shape}"
    text = " ".join(repr(value).split())
    return f"{text} ({type(value).__name__})" if len(text) <= 40 else f"of type {type(value).__name__}"


def _source_of(environment: gymnasium.Env) -> str | None:
    """The file that defines the environment's class; None if there is none."""
    try:
        return inspect.getsourcefile(type(environment))
    except TypeError:  # defined in an interactive session, or built in
        return None
