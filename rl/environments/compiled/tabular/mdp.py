"""A finite MDP as a compiled environment."""

from typing import Annotated, NamedTuple

import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.protocol import Discrete
from rl.errors import require

MOST_STATES = 2_000
"""Of states and of actions; the transitions are a dense [S, A, S] array."""
Size = Annotated[int, Field(ge=1, le=MOST_STATES)]


class TabularState(NamedTuple):
    """The number of the state, [N] int32."""

    state: tf.Tensor


class TabularMDP(CompiledEnvironment):
    """N copies of a finite MDP. `mdp` holds its arrays, which the functions of `exact` solve.

    The reward of a step is its expectation given state and action, and so has no noise of its own.
    """

    num_start_uniforms = 1
    num_step_uniforms = 1

    def __init__(
        self, *, num_envs: int, max_episode_steps: int | None, mdp: FiniteMDP, features: np.ndarray | None = None
    ):
        """
        Args:
            mdp: checked here. features: [S, F], the observation of each state; by default one-hot.
        Raises: ConfigError for arrays that are no MDP or do not fit.
        """
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.mdp = FiniteMDP.checked(*mdp)
        num_states, num_actions = self.mdp.reward.shape
        self.features = np.asarray(np.eye(num_states) if features is None else features, np.float32)
        require(
            self.features.ndim == 2 and len(self.features) == num_states,
            f"features have shape {self.features.shape}; it must be [{num_states}, F], a row for each state.",
        )
        self.action_space = Discrete(num_actions)
        self.observation_shape = self.features.shape[1:]
        self._reward = self.mdp.reward.astype(np.float32).reshape(-1)
        self._next = _outcomes(self.mdp.transition.reshape(num_states * num_actions, num_states))
        self._first = _outcomes(self.mdp.start[None])

    def start(self, uniforms: tf.Tensor) -> TabularState:
        """A state of the start distribution, by its inverse distribution function."""
        return TabularState(_draw(self._first, tf.zeros_like(uniforms[..., 0], tf.int32), uniforms))

    def observe(self, state: TabularState) -> tf.Tensor:
        """The state's row of the features, [N, F]."""
        return tf.gather(tf.constant(self.features), state.state)

    def advance(self, state: TabularState, action: tf.Tensor, uniforms: tf.Tensor):
        """The next state by the inverse distribution function of P(· | s, a)."""
        row = state.state * self.action_space.n + tf.cast(action, tf.int32)
        after = _draw(self._next, row, uniforms)
        return TabularState(after), tf.gather(self._reward, row), tf.gather(tf.constant(self.mdp.terminal), after)


class _Outcomes(NamedTuple):
    """The possible outcomes of each of R distributions, and where the uniform number passes from one to the next.

    Only possible outcomes are listed, and the last has no upper end: rounding cannot bring an impossible one about.
    """

    values: np.ndarray  # [R, B] int32, ascending; B is the most that any has, and the last is repeated
    thresholds: np.ndarray  # [R, B − 1] float32; 1, which no number in [0, 1) reaches, after the last


def _outcomes(probabilities: np.ndarray) -> _Outcomes:
    """Of distributions [R, S]; a row of zeros, which nobody draws from, has outcome 0."""
    possible = [np.flatnonzero(row) if row.any() else np.zeros(1, int) for row in probabilities]
    most = max(len(outcomes) for outcomes in possible)
    values = np.zeros((len(possible), most), np.int32)
    thresholds = np.ones((len(possible), most - 1), np.float32)
    for row, outcomes in enumerate(possible):
        values[row] = outcomes[-1]
        values[row, : len(outcomes)] = outcomes
        thresholds[row, : len(outcomes) - 1] = np.cumsum(probabilities[row, outcomes])[:-1]
    return _Outcomes(values, thresholds)


def _draw(outcomes: _Outcomes, row: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """[N] int32: the outcome of each row at its uniform number; row: [N] int32, uniforms: [N, 1]."""
    passed = tf.cast(uniforms >= tf.gather(outcomes.thresholds, row), tf.int32)
    column = tf.reduce_sum(passed, axis=-1)
    return tf.gather(outcomes.values.reshape(-1), row * outcomes.values.shape[1] + column)
