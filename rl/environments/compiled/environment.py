"""What every compiled environment has in common: the end of an episode and the beginning of the next."""

from typing import Annotated, ClassVar, NamedTuple

import tensorflow as tf
from pydantic import Field

from rl.environments.protocol import Box, Discrete, State, Transition
from rl.randomness import uniforms
from rl.settings import PositiveInteger, checked

EpisodeSteps = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""int32 counts the steps of an episode."""


class Timed(NamedTuple):
    """An environment's own state and the steps since its episode began, [N] int32."""

    inner: State
    elapsed: tf.Tensor


class CompiledEnvironment:
    """N environments as TensorFlow operations with explicit state, batched natively.

    A subclass writes `start`, `observe` and `advance`: pure functions, in which every environment of the batch is on
    its own, so that a state, an action and the uniform numbers determine what follows to the last bit. This class adds
    the time limit and the reset within the step.
    """

    restorable: ClassVar[bool] = True
    compiled: ClassVar[bool] = True
    in_processes: ClassVar[bool] = False
    unchecked: ClassVar[tuple[str, ...]] = ("observation", "reward")
    """Without "observation" where that is made of bools or integers: looking at frames takes a tenth of the time."""

    observation_shape: tuple[int, ...]
    observation_dtype: tf.DType = tf.float32
    action_space: Discrete | Box
    num_start_uniforms: int
    """Uniform numbers that a first state takes."""
    num_step_uniforms: int = 0
    """Uniform numbers that a step takes, beside those of a first state."""

    @checked
    def __init__(self, *, num_envs: PositiveInteger, max_episode_steps: EpisodeSteps | None):
        """
        Args:
            max_episode_steps: an episode that has not terminated by then is truncated; None never does.
        """
        self.num_envs, self.max_episode_steps = num_envs, max_episode_steps

    @property
    def name(self) -> str:
        """The class's."""
        return type(self).__name__

    @property
    def num_uniforms(self) -> int:
        """Uniform numbers that `step` takes for each environment."""
        return self.num_start_uniforms + self.num_step_uniforms

    def start(self, uniforms: tf.Tensor) -> State:
        """First states of episodes; uniforms: [N, num_start_uniforms] float32 in [0, 1)."""
        raise NotImplementedError

    def observe(self, state: State) -> tf.Tensor:
        """[N, ...] of the observation's shape and type."""
        raise NotImplementedError

    def advance(self, state: State, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[State, tf.Tensor, tf.Tensor]:
        """(next state, reward [N] float32, terminated [N] bool); uniforms: [N, num_step_uniforms] in [0, 1)."""
        raise NotImplementedError

    def reset(self, seed: tf.Tensor) -> tuple[Timed, tf.Tensor]:
        """Fresh episodes in all environments."""
        inner = self.start(uniforms(seed, (self.num_envs, self.num_start_uniforms)))
        return Timed(inner, tf.zeros(self.num_envs, tf.int32)), self.observe(inner)

    def step(self, state: Timed, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[Timed, Transition]:
        """One step, and a fresh episode where the old one ended; `observation` is then the fresh one's first."""
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
        """Nothing is outside the graph."""


def _select(where: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """`one` in the environments where `where` [N] is true."""
    return tf.where(tf.reshape(where, where.shape + (1,) * (one.shape.rank - 1)), one, other)
