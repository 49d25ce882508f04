"""Gymnasium's vector environments behind the protocol, inside the graph by `tf.numpy_function`."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import gymnasium
import numpy as np
import tensorflow as tf
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from rl.environments.protocol import Box, Discrete, Transition
from rl.errors import ConfigError, require
from rl.settings import PositiveInteger, checked

VECTORIZATIONS = {"native": "vector_entry_point", "sync": "sync", "async": "async"}
_SEED_LIMIT = 2**31 - 1


class GymnasiumEnvironment:
    """A Gymnasium environment, vectorised by Gymnasium.

    Its state lives in Python; the state of the protocol is an opaque token, a counter that orders the steps, and cannot
    be put back from a checkpoint. Discrete observations become one-hot vectors, others float32. Actions for a `Box` are
    clipped to its bounds before the environment sees them. An exception inside the environment is kept in `exception`.
    """

    restorable = False
    compiled = False
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
        self.num_envs, self.in_processes = num_envs, vectorization == "async"
        self.exception: Exception | None = None
        self._env = _make(id, num_envs, vectorization, autoreset, dict(kwargs or {}), render_mode)
        self._autoreset = AutoresetMode(self._env.metadata["autoreset_mode"])
        require(
            self._autoreset in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP),
            f"environment {id!r} resets in mode {self._autoreset.value}; known are NextStep and SameStep "
            f"(environment.autoreset).",
        )
        self._observe, self.observation_shape = _observations(self._env.single_observation_space, id)
        self.action_space, self._to_action = _actions(self._env.single_action_space, id)
        self._ended = np.zeros(num_envs, bool)
        self._size = int(np.prod(self.observation_shape))
        self._width = 4 + self._size * (2 if self._autoreset is AutoresetMode.SAME_STEP else 1)

    def reset(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Fresh episodes; the environments' own generators are seeded anew."""
        observation = tf.numpy_function(self._guarded(self._reset), [seed], tf.float32)
        return tf.zeros((), tf.int64), tf.ensure_shape(observation, (self.num_envs, *self.observation_shape))

    def step(self, state: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, Transition]:
        """One step; `uniforms` is empty, since the environments draw from generators of their own."""
        packed = tf.numpy_function(self._guarded(self._step), [action], tf.float32)
        return state + 1, self._unpack(packed)

    def render(self) -> list[np.ndarray] | None:
        """One RGB picture [height, width, 3] an environment, where the render mode is `rgb_array`."""
        return self._env.render()

    @property
    def frames_per_second(self) -> int:
        """The environment's own rate, for a video."""
        return int(self._env.metadata.get("render_fps", 30))

    def close(self) -> None:
        """Closes the environment and its processes."""
        self._env.close()

    def _guarded(self, function: Callable) -> Callable:
        """The function, but remembering an exception, which TensorFlow would wrap beyond recognition."""

        def guarded(*arguments):
            try:
                return function(*arguments)
            except Exception as error:
                self.exception = error
                raise

        return guarded

    def _reset(self, seed: np.ndarray) -> np.ndarray:
        integer = int(
            np.random.SeedSequence([int(word) & 0xFFFFFFFF for word in seed]).generate_state(1)[0] % _SEED_LIMIT
        )
        observation, _ = self._env.reset(seed=integer)
        self._ended = np.zeros(self.num_envs, bool)
        return self._observe(observation)

    def _step(self, action: np.ndarray) -> np.ndarray:
        """One step as one array, which `_unpack` takes apart: every further output of a numpy_function costs 6 µs."""
        observation, reward, terminated, truncated, info = self._env.step(self._to_action(action))
        observation = self._observe(observation)
        ended = terminated | truncated
        packed = np.ones((self.num_envs, self._width), np.float32)
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
        self._ended = ended
        return packed

    def _unpack(self, packed: tf.Tensor) -> Transition:
        packed = tf.ensure_shape(packed, (self.num_envs, self._width))
        reward, terminated, truncated, valid = tf.unstack(packed[:, :4], axis=1)
        shape, size = (self.num_envs, *self.observation_shape), self._size
        observation = final_observation = tf.reshape(packed[:, 4 : 4 + size], shape)
        if self._autoreset is AutoresetMode.SAME_STEP:
            final_observation = tf.reshape(packed[:, 4 + size :], shape)
        return Transition(observation, reward, terminated > 0, truncated > 0, final_observation, valid > 0)


def _make(id: str, num_envs: int, vectorization: str, autoreset: str | None, kwargs: dict, render_mode: str | None):
    modes = {"next_step": AutoresetMode.NEXT_STEP, "same_step": AutoresetMode.SAME_STEP}
    require(
        autoreset is None or vectorization != "native",
        "a native vector environment has an autoreset mode of its own; set environment.autoreset=null.",
    )
    if autoreset is not None:
        kwargs = {**kwargs, "vector_kwargs": {"autoreset_mode": modes[autoreset]}}
    vector_kwargs = kwargs.pop("vector_kwargs", {})
    if vectorization == "sync":
        vector_kwargs.setdefault("copy", False)  # every observation is copied into a tensor anyway
    try:
        return gymnasium.make_vec(
            id,
            num_envs=num_envs,
            vectorization_mode=VECTORIZATIONS[vectorization],
            vector_kwargs=vector_kwargs,
            render_mode=render_mode,
            **kwargs,
        )
    except (gymnasium.error.UnregisteredEnv, ModuleNotFoundError) as error:
        close = difflib.get_close_matches(id, gymnasium.registry, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ConfigError(f"environment {id!r} is not known to Gymnasium ({error}).{hint} (environment.id)") from error
    except (gymnasium.error.Error, TypeError, ImportError) as error:
        raise ConfigError(
            f"environment {id!r} cannot be made with vectorization {vectorization!r} and kwargs {kwargs}: {error} "
            "(environment.vectorization, environment.kwargs)"
        ) from error


def _observations(space: spaces.Space, id: str) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[int, ...]]:
    """What turns a batch of the space's observations into float32 of a fixed shape, and that shape."""
    if isinstance(space, spaces.Discrete):
        start, count = int(space.start), int(space.n)
        identity = np.eye(count, dtype=np.float32)
        return (lambda batch: identity[np.asarray(batch) - start]), (count,)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.number):
        return (lambda batch: np.array(batch, np.float32)), tuple(space.shape)
    raise ConfigError(
        f"environment {id!r} has observations of kind {space}; supported are Box and Discrete "
        "(environment.id; wrap the environment to change its observations)."
    )


def _actions(space: spaces.Space, id: str) -> tuple[Discrete | Box, Callable[[np.ndarray], np.ndarray]]:
    """The protocol's action space, and what turns a batch of its actions into Gymnasium's."""
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return Discrete(int(space.n)), (lambda batch: batch + start)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and len(space.shape) == 1:
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        return Box(low, high), (lambda batch: np.clip(batch, low, high).astype(space.dtype))
    raise ConfigError(
        f"environment {id!r} has actions of kind {space}; supported are Discrete and flat Box of floats "
        "(environment.id; wrap the environment to change its actions)."
    )
