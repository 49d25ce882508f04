"""The base of compiled environments: time limit, automatic reset and the protocol's functions."""

from typing import Annotated, ClassVar, NamedTuple

import tensorflow as tf
from pydantic import Field

from rl.environments.protocol import State
from rl.environments.transition import Transition
from rl.randomness import uniforms
from rl.settings import PositiveInteger, checked
from rl.spaces import Space, unbounded

EpisodeSteps = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A limit on the steps of an episode, counted in int32: from 1 to 2³¹ − 1."""


class Timed(NamedTuple):
    """An environment's own state and its step counter."""

    inner: State
    """As `start` and `advance` return it."""
    elapsed: tf.Tensor
    """Steps since the episode began, [N] int32."""


class CompiledEnvironment:
    """N environments as TensorFlow operations with explicit state, batched natively.

    A subclass defines the class attributes below and `start`, `observe` and `advance`. These three are pure functions
    on a batch, in which no environment depends on another: state, action and uniform numbers determine the next state
    to the last bit. This class adds the time limit and resets an environment within the step that ends its episode, so
    every step is valid.
    """

    restorable: ClassVar[bool] = True
    compiled: ClassVar[bool] = True
    in_processes: ClassVar[bool] = False
    unchecked: ClassVar[tuple[str, ...]] = ("observation", "reward")
    """The fields that may hold NaN or infinity and are therefore checked in training.

    A subclass whose observations are made of bools or integers omits "observation": checking frames would take a tenth
    of the time.
    """

    observation_shape: tuple[int, ...]
    observation_dtype: tf.DType = tf.float32
    action_space: Space
    num_start_uniforms: int
    """Number of uniform numbers that `start` takes per environment."""
    num_step_uniforms: int = 0
    """Number of uniform numbers that `advance` takes per environment."""

    @checked
    def __init__(self, *, num_envs: PositiveInteger, max_episode_steps: EpisodeSteps | None):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode that has not terminated is truncated; None for no limit.
        """
        self.num_envs, self.max_episode_steps = num_envs, max_episode_steps

    @property
    def name(self) -> str:
        """The class's name, for messages."""
        return type(self).__name__

    @property
    def observation_space(self) -> Space:
        """The box of `observation_shape` and `observation_dtype`."""
        return unbounded(self.observation_shape, self.observation_dtype)

    @property
    def num_uniforms(self) -> int:
        """Number of uniform numbers that `step` takes per environment: those of `start`, then those of `advance`."""
        return self.num_start_uniforms + self.num_step_uniforms

    def start(self, uniforms: tf.Tensor) -> State:
        """The first states of N episodes.

        Args: uniforms: [N, num_start_uniforms] float32 in [0, 1).
        Returns: a nest of tensors, each with leading axis N.
        """
        raise NotImplementedError

    def observe(self, state: State) -> tf.Tensor:
        """The observations of N states, [N, *observation_shape] of `observation_dtype`."""
        raise NotImplementedError

    def advance(self, state: State, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[State, tf.Tensor, tf.Tensor]:
        """The dynamics: one step of N environments, whether or not it ends an episode.

        Args:
            state: as returned by `start` or the last `advance`.
            action: [N] int64 for `Discrete`, [N, d] float32 for `Box`, possibly outside the bounds.
            uniforms: [N, num_step_uniforms] float32 in [0, 1).
        Returns: (next state, reward [N] float32, terminated [N] bool).
        """
        raise NotImplementedError

    def reset(self, seed: tf.Tensor) -> tuple[Timed, tf.Tensor]:
        """Starts an episode in every environment.

        Args: seed: [2] int.
        Returns: (state, observation [N, ...]).
        """
        inner = self.start(uniforms(seed, (self.num_envs, self.num_start_uniforms)))
        return Timed(inner, tf.zeros(self.num_envs, tf.int32)), self.observe(inner)

    def step(self, state: Timed, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[Timed, Transition]:
        """One step of N environments; an environment whose episode ended starts a new one.

        An episode is truncated if it reaches `max_episode_steps` steps without terminating. After an episode's end
        `observation` is the new episode's first and `final_observation` the old one's last.

        Args:
            state: as returned by `reset` or the last `step`.
            action: as for `advance`.
            uniforms: [N, num_uniforms] float32 in [0, 1): those of `start`, then those of `advance`.
        Returns: (next state, transition).
        """
        begin, go_on = uniforms[..., : self.num_start_uniforms], uniforms[..., self.num_start_uniforms :]
        after, reward, terminated = self.advance(state.inner, action, go_on)
        elapsed = state.elapsed + 1
        truncated = tf.zeros_like(terminated)
        if self.max_episode_steps is not None:
            truncated = ~terminated & (elapsed >= self.max_episode_steps)
        ended = terminated | truncated
        fresh = self.start(begin)
        inner = tf.nest.map_structure(lambda new, old: _select(ended, new, old), fresh, after)
        final_observation = self.observe(after)
        observation = _select(ended, self.observe(fresh), final_observation)
        transition = Transition(observation, reward, terminated, truncated, final_observation, tf.ones_like(terminated))
        return Timed(inner, tf.where(ended, 0, elapsed)), transition

    def close(self) -> None:
        """Does nothing: there are no resources outside the graph."""


def _select(where: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """`one` [N, ...] in the environments where `where` [N] is true, `other` [N, ...] elsewhere."""
    return tf.where(tf.reshape(where, where.shape + (1,) * (one.shape.rank - 1)), one, other)
