"""Gymnasium's vector environments behind the protocol; graphs call them through `tf.numpy_function`."""

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
from rl.environments.time_limit import time_limit
from rl.environments.transition import Transition
from rl.errors import BadEnvironmentError, require
from rl.settings import PositiveInteger, checked
from rl.spaces import unbounded

_SEED_LIMIT = 2**31 - 1
_SECONDS_TO_CLOSE = 10.0
_PIPE_ENDED = (EOFError, BrokenPipeError, ConnectionError)


class GymnasiumEnvironment:
    """N copies of a Gymnasium environment, vectorised by Gymnasium.

    In autoreset mode `same_step` the step that ends an episode also resets the environment: its `observation` is the
    first of the next episode, and `final_observation` the last of the old one. In mode `next_step` the following step
    performs the reset: it ignores its action and has `valid` False.

    The environments' state lives in Python. The protocol's state is an opaque token, a counter that orders the steps,
    so a checkpoint cannot restore the environments. Discrete observations become one-hot vectors. Actions of a `Box`
    are clipped to its bounds, in the space's own dtype, before the environment receives them.

    Exceptions inside the environment and unsound values raise BadEnvironmentError, with the environment's own exception
    as its cause; SystemExit and KeyboardInterrupt are raised unchanged. TensorFlow wraps exceptions that are raised in
    a graph; `exception` keeps the original.

    Attributes in addition to the protocol's:
        exception: the exception to raise for the last failed call; None after a successful reset.
        frames_per_second: the frame rate of videos, in Hz.
    """

    restorable = False
    compiled = False
    unchecked = ()  # `_step` and `_reset` check every value
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
            id: the id in Gymnasium's registry, `CartPole-v1` or `module:Name-v0`.
            num_envs: N.
            vectorization: `native` (the environment's own batched implementation), `sync` (sequentially in this
                process) or `async` (one process each).
            autoreset: whether an environment is reset by the step after the one that ends an episode (`next_step`) or
                within that step (`same_step`); None: the environment's own mode, the only one that `native` has.
            kwargs: arguments of the environment's constructor.
            render_mode: Gymnasium's render mode; `rgb_array` for videos, None for no rendering.
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
        self.observation_space = unbounded(self.observation_shape, self.observation_dtype)
        self.action_space, self._to_action = actions(self._env.single_action_space, id)
        self._ended, self._steps, self._elapsed = np.zeros(num_envs, bool), 0, np.zeros(num_envs, int)
        self._size = int(np.prod(self.observation_shape))
        self._width = 4 + self._size * (2 if self._autoreset is AutoresetMode.SAME_STEP else 1)
        whole = np.issubdtype(self._env.single_observation_space.dtype, np.integer)
        self._may_be_unsound = slice(0, 1 if whole else None)  # columns of a packed step; integers are always sound

    def reset(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Seeds the generators of all environments and starts an episode in each.

        Args: seed: [2] int.
        Returns: (token [] int64, observation [N, ...]).
        Raises: BadEnvironmentError.
        """
        observation = self._call(self._reset, seed)
        return tf.zeros((), tf.int64), tf.ensure_shape(observation, (self.num_envs, *self.observation_shape))

    def step(self, state: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, Transition]:
        """One step of all environments.

        Args:
            state: the token of the last call, [] int64.
            action: [N] int64 for `Discrete`, [N, d] float32 for `Box`.
            uniforms: [N, 0], since the environments draw from their own generators.
        Returns: (the next token, the transition).
        Raises: BadEnvironmentError.
        """
        return state + 1, self._unpack(self._call(self._step, action))

    def render(self) -> list[np.ndarray] | None:
        """One frame [height, width, 3] uint8 RGB per environment, in render mode `rgb_array`."""
        return self._guarded(self._env.render)()

    @property
    def frames_per_second(self) -> int:
        """The frame rate of videos in Hz, from the environment's metadata; 30 if it has none."""
        return int(self._env.metadata.get("render_fps", 30))

    def close(self) -> None:
        """Closes the environments and their processes.

        Raises: BadEnvironmentError if closing fails or takes longer than 10 s.
        """
        try:
            with time_limit(_SECONDS_TO_CLOSE):
                self._env.close()
        except MishapError as error:
            raise BadEnvironmentError(f"environment {self.name}, number {error.number}: {error.what}") from error
        except Exception as error:
            raise BadEnvironmentError(f"environment {self.name}, closing: {in_one_line(error)}") from error

    def _call(self, function: Callable, argument: tf.Tensor) -> tf.Tensor:
        """Calls a Python function on one array: through `tf.numpy_function` in a graph, directly in eager mode."""
        if tf.executing_eagerly():
            return tf.constant(self._guarded(function)(argument.numpy()))
        return tf.numpy_function(self._guarded(function), [argument], self.observation_dtype)

    def _guarded(self, function: Callable) -> Callable:
        """Wraps a function so that its exceptions are converted by `_converted` and kept in `exception`."""

        def guarded(*arguments):
            try:
                return function(*arguments)
            except BaseException as error:
                self.exception = self._converted(error)
                if self.exception is error:
                    raise
                raise self.exception from error

        return guarded

    def _converted(self, error: BaseException) -> BaseException:
        """The exception to raise: BadEnvironmentError, or SystemExit and KeyboardInterrupt unchanged."""
        if isinstance(error, _PIPE_ENDED) and self.in_processes:
            error = self._env.dead() or error
        if isinstance(error, MishapError):
            return error.end or self._bad(error.number, error.what)
        if isinstance(error, BadEnvironmentError) or not isinstance(error, Exception):
            return error
        return self._bad(None, in_one_line(error))

    def _bad(self, number: int | None, what: str) -> BadEnvironmentError:
        """The error of environment `number` (None: unknown) at its current step; `what` describes the failure."""
        elapsed = None if number is None else int(self._elapsed[number]) + 1
        return BadEnvironmentError(f"{place(self.name, number=number, step=self._steps, elapsed=elapsed)}: {what}")

    def _reset(self, seed: np.ndarray) -> np.ndarray:
        """Resets with an integer seed hashed from `seed` [2]; returns the first observations [N, ...]."""
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
        """One step, packed into one array [N, width]: each additional output of a numpy_function would cost 6 µs.

        Columns: reward, terminated, truncated, valid, observation, and in mode SAME_STEP the final observation.
        """
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
        """The protocol's observation [N, ...] from Gymnasium's batch; ValueError if its shape is not the space's."""
        observation = self._observe(batch)
        expected = (self.num_envs, *self.observation_shape)
        if observation.shape != expected:
            raise ValueError(f"the observations have shape {observation.shape}; the space declares {expected}")
        return observation

    def _unsound(self, **fields: np.ndarray) -> BadEnvironmentError:
        """The error for the first unsound value of the fields, {name: [N, ...] array}."""
        found = first_unsound(**fields)
        return self._bad(found.number, str(found))

    def _unpack(self, packed: tf.Tensor) -> Transition:
        """The transition from the columns [N, width] of `_step`; in mode NEXT_STEP both observations are the same."""
        packed = tf.ensure_shape(packed, (self.num_envs, self._width))
        reward, terminated, truncated, valid = tf.unstack(packed[:, :4], axis=1)
        shape, size = (self.num_envs, *self.observation_shape), self._size
        observation = final_observation = tf.reshape(packed[:, 4 : 4 + size], shape)
        if self._autoreset is AutoresetMode.SAME_STEP:
            final_observation = tf.reshape(packed[:, 4 + size :], shape)
        reward = tf.cast(reward, tf.float32)
        return Transition(observation, reward, terminated > 0, truncated > 0, final_observation, valid > 0)
