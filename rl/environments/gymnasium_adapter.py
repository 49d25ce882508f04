"""Gymnasium's vector environments behind the protocol, inside the graph by `tf.numpy_function`."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from gymnasium.vector import AutoresetMode

from rl.environments.boundary import all_sound, first_unsound, place
from rl.environments.gymnasium_spaces import actions, observations
from rl.environments.inspected import MishapError
from rl.environments.making import make_vector
from rl.environments.origin import in_one_line
from rl.environments.protocol import Transition
from rl.environments.time_limit import time_limit
from rl.errors import BadEnvironmentError, require
from rl.settings import PositiveInteger, checked

_SEED_LIMIT = 2**31 - 1
_SECONDS_TO_CLOSE = 10.0
_PIPE_ENDED = (EOFError, BrokenPipeError, ConnectionError)


class GymnasiumEnvironment:
    """A Gymnasium environment, vectorised by Gymnasium.

    Its state lives in Python; the state of the protocol is an opaque token, a counter that orders the steps, and cannot
    be put back from a checkpoint. Discrete observations become one-hot vectors. Actions for a `Box` are clipped to its
    bounds, in its own type, before the environment sees them.

    Whatever goes wrong inside the environment is raised as BadEnvironmentError, with the environment's own exception as
    its cause; SystemExit and KeyboardInterrupt are raised as themselves. TensorFlow wraps what is raised in a graph:
    `exception` keeps it.
    """

    restorable = False
    compiled = False
    unchecked = ()  # every step is looked at here
    num_uniforms = 0
    max_episode_steps = None

    @checked
    def __init__(
        self,
        *,
        id: str,
        num_envs: PositiveInteger,
        vectorization: Literal["native", "sync", "async"],
        autoreset: Literal["next_step", "same_step"] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ):
        """
        Args:
            id: Gymnasium's name, `CartPole-v1` or `module:Name-v0`.
            vectorization: `native` (the environment's own batched form), `sync` (one after another) or `async`
            (processes). autoreset: `next_step` or `same_step`; None takes the environment's own (a native one knows
            only that). kwargs: arguments of the environment's constructor.
        Raises: ConfigError for an unknown id or an unsupported space, vectorization or autoreset mode.
        """
        self.name, self.num_envs, self.in_processes = repr(id), num_envs, vectorization == "async"
        self.exception: BaseException | None = None
        self._env = make_vector(
            id,
            num_envs=num_envs,
            vectorization=vectorization,
            autoreset=autoreset,
            kwargs=kwargs or {},
            render_mode=render_mode,
        )
        self._autoreset = AutoresetMode(self._env.metadata["autoreset_mode"])
        require(
            self._autoreset in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP),
            f"environment {id!r} resets in mode {self._autoreset.value}; known are NextStep and SameStep "
            f"(environment.autoreset).",
        )
        self._observe, self.observation_shape, self.observation_dtype = observations(
            self._env.single_observation_space, id
        )
        self.action_space, self._to_action = actions(self._env.single_action_space, id)
        self._ended, self._steps, self._elapsed = np.zeros(num_envs, bool), 0, np.zeros(num_envs, int)
        self._size = int(np.prod(self.observation_shape))
        self._width = 4 + self._size * (2 if self._autoreset is AutoresetMode.SAME_STEP else 1)
        whole = np.issubdtype(self._env.single_observation_space.dtype, np.integer)
        self._may_be_unsound = slice(0, 1 if whole else None)  # columns of a packed step

    def reset(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Fresh episodes; the environments' own generators are seeded anew."""
        observation = self._call(self._reset, seed)
        return tf.zeros((), tf.int64), tf.ensure_shape(observation, (self.num_envs, *self.observation_shape))

    def step(self, state: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, Transition]:
        """One step; `uniforms` is empty, since the environments draw from generators of their own."""
        return state + 1, self._unpack(self._call(self._step, action))

    def render(self) -> list[np.ndarray] | None:
        """One RGB picture [height, width, 3] an environment, where the render mode is `rgb_array`."""
        return self._guarded(self._env.render)()

    @property
    def frames_per_second(self) -> int:
        """The environment's own rate, for a video."""
        return int(self._env.metadata.get("render_fps", 30))

    def close(self) -> None:
        """Closes the environment and its processes.

        Raises: BadEnvironmentError where the environment does not close, or not in 10 s.
        """
        try:
            with time_limit(_SECONDS_TO_CLOSE):
                self._env.close()
        except MishapError as error:
            raise BadEnvironmentError(f"environment {self.name}, number {error.number}: {error.what}") from error
        except Exception as error:
            raise BadEnvironmentError(f"environment {self.name}, closing: {in_one_line(error)}") from error

    def _call(self, function: Callable, argument: tf.Tensor) -> tf.Tensor:
        if tf.executing_eagerly():
            return tf.constant(self._guarded(function)(argument.numpy()))
        return tf.numpy_function(self._guarded(function), [argument], self.observation_dtype)

    def _guarded(self, function: Callable) -> Callable:
        """The function, but raising and keeping what went wrong as this project's own."""

        def guarded(*arguments):
            try:
                return function(*arguments)
            except BaseException as error:
                self.exception = self._own(error)
                if self.exception is error:
                    raise
                raise self.exception from error

        return guarded

    def _own(self, error: BaseException) -> BaseException:
        if isinstance(error, _PIPE_ENDED) and self.in_processes:
            error = self._env.dead() or error
        if isinstance(error, MishapError):
            return error.end or self._bad(error.number, error.what)
        if isinstance(error, BadEnvironmentError) or not isinstance(error, Exception):
            return error
        return self._bad(None, in_one_line(error))

    def _bad(self, number: int | None, what: str) -> BadEnvironmentError:
        elapsed = None if number is None else int(self._elapsed[number]) + 1
        return BadEnvironmentError(f"{place(self.name, number=number, step=self._steps, elapsed=elapsed)}: {what}")

    def _reset(self, seed: np.ndarray) -> np.ndarray:
        integer = int(
            np.random.SeedSequence([int(word) & 0xFFFFFFFF for word in seed]).generate_state(1)[0] % _SEED_LIMIT
        )
        self.exception, self._steps, self._elapsed = None, 0, np.zeros(self.num_envs, int)
        self._ended = np.zeros(self.num_envs, bool)
        observation = self._observed(self._env.reset(seed=integer)[0])
        if not all_sound(observation):
            raise self._unsound(observation=observation)
        return observation

    def _step(self, action: np.ndarray) -> np.ndarray:
        """One step as one array, which `_unpack` takes apart: every further output of a numpy_function costs 6 µs."""
        self._steps += 1
        observation, reward, terminated, truncated, info = self._env.step(self._to_action(action))
        observation = self._observed(observation)
        ended = terminated | truncated
        packed = np.ones((self.num_envs, self._width), observation.dtype)
        packed[:, 0] = reward
        packed[:, 1] = terminated
        packed[:, 2] = truncated
        if self._autoreset is AutoresetMode.NEXT_STEP:
            packed[:, 3] = ~self._ended
        size = self._size
        packed[:, 4 : 4 + size] = observation.reshape(self.num_envs, size)
        if self._autoreset is AutoresetMode.SAME_STEP:
            if ended.any():
                observation[ended] = self._observe(np.stack(info["final_obs"][ended]))
            packed[:, 4 + size :] = observation.reshape(self.num_envs, size)
        if not all_sound(packed[:, self._may_be_unsound]):
            following = packed[:, 4 : 4 + size].reshape(observation.shape)
            raise self._unsound(reward=reward, observation=following, final_observation=observation)
        begins = ended | self._ended if self._autoreset is AutoresetMode.NEXT_STEP else ended
        self._ended, self._elapsed = ended, np.where(begins, 0, self._elapsed + 1)
        return packed

    def _observed(self, batch: Any) -> np.ndarray:
        """[N, ...] of the protocol, from the batch that Gymnasium hands out."""
        observation = self._observe(batch)
        expected = (self.num_envs, *self.observation_shape)
        if observation.shape != expected:
            raise ValueError(f"the observations have shape {observation.shape}; the space declares {expected}")
        return observation

    def _unsound(self, **fields: np.ndarray) -> BadEnvironmentError:
        found = first_unsound(**fields)
        return self._bad(found.number, str(found))

    def _unpack(self, packed: tf.Tensor) -> Transition:
        packed = tf.ensure_shape(packed, (self.num_envs, self._width))
        reward, terminated, truncated, valid = tf.unstack(packed[:, :4], axis=1)
        shape, size = (self.num_envs, *self.observation_shape), self._size
        observation = final_observation = tf.reshape(packed[:, 4 : 4 + size], shape)
        if self._autoreset is AutoresetMode.SAME_STEP:
            final_observation = tf.reshape(packed[:, 4 + size :], shape)
        reward = tf.cast(reward, tf.float32)
        return Transition(observation, reward, terminated > 0, truncated > 0, final_observation, valid > 0)
