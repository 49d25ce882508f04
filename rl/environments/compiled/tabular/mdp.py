"""A finite MDP as a compiled environment."""

from typing import Annotated, NamedTuple

import numpy as np
import tensorflow as tf
from pydantic import Field

from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.errors import require
from rl.spaces import Discrete

MOST_STATES = 2_000
"""The largest number of states or actions; the transitions are a dense [S, A, S] array."""
Size = Annotated[int, Field(ge=1, le=MOST_STATES)]
"""A number of states or actions."""


class TabularState(NamedTuple):
    """The state of N copies of an MDP."""

    state: tf.Tensor
    """The number of the state, [N] int32 from 0 to S − 1."""


class TabularMDP(CompiledEnvironment):
    """N copies of a finite MDP. `mdp` holds its arrays, from which the functions of `exact` compute its solutions.

    The reward of a step is the expected reward r(s, a), without noise. An observation is the state's row of features.
    `start` and `advance` take one uniform number each.
    """

    num_start_uniforms = 1
    num_step_uniforms = 1

    def __init__(
        self, *, num_envs: int, max_episode_steps: int | None, mdp: FiniteMDP, features: np.ndarray | None = None
    ):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
            mdp: the arrays, which are checked here.
            features: [S, F], the observation of each state; None for one-hot vectors.
        Raises: ConfigError if the arrays do not define an MDP or the features do not have S rows.
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
        """First states from the start distribution, by inverse transform sampling; uniforms: [N, 1]."""
        return TabularState(_draw(self._first, tf.zeros_like(uniforms[..., 0], tf.int32), uniforms))

    def observe(self, state: TabularState) -> tf.Tensor:
        """The features of the states, [N, F] float32."""
        return tf.gather(tf.constant(self.features), state.state)

    def advance(self, state: TabularState, action: tf.Tensor, uniforms: tf.Tensor):
        """The next states from P(· | s, a), by inverse transform sampling; uniforms: [N, 1].

        See `CompiledEnvironment.advance`; action is [N] int64, 0 to A − 1.
        """
        row = state.state * self.action_space.n + tf.cast(action, tf.int32)
        after = _draw(self._next, row, uniforms)
        return TabularState(after), tf.gather(self._reward, row), tf.gather(tf.constant(self.mdp.terminal), after)


class _Outcomes(NamedTuple):
    """The possible outcomes of R discrete distributions, with thresholds for inverse transform sampling.

    Impossible outcomes are not listed and the last possible one has no upper threshold, so that no rounding error
    selects an impossible one. B is the largest number of possible outcomes of any distribution.

    values: [R, B] int32, the outcomes in ascending order; the last one is repeated up to B.
    thresholds: [R, B − 1] float32, cumulative probabilities; 1, which no number in [0, 1) reaches, after the last.
    """

    values: np.ndarray
    thresholds: np.ndarray


def _outcomes(probabilities: np.ndarray) -> _Outcomes:
    """The outcomes of distributions [R, S]; a row of zeros, which is never drawn from, has the outcome 0."""
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
    """Draws from R distributions by inverse transform sampling.

    Args:
        outcomes: of the R distributions.
        row: [N] int32, the distribution to draw from.
        uniforms: [N, 1] float32 in [0, 1).
    Returns: [N] int32.
    """
    passed = tf.cast(uniforms >= tf.gather(outcomes.thresholds, row), tf.int32)
    column = tf.reduce_sum(passed, axis=-1)
    return tf.gather(outcomes.values.reshape(-1), row * outcomes.values.shape[1] + column)
