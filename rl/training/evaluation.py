"""Greedy evaluation in environments of its own."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Environment
from rl.errors import require
from rl.randomness import uniforms
from rl.training.seeds import fold

_STEPS_PER_CALL = 200  # a host call stays well below a second, so that a signal is soon heard


class Evaluation(NamedTuple):
    """Undiscounted returns of whole episodes, rewards as the environment gives them, [episodes]."""

    returns: np.ndarray

    def summary(self) -> dict[str, float | int]:
        """{mean, std, episodes}, as in summary.json; the standard deviation is the population's."""
        return {"mean": float(self.returns.mean()), "std": float(self.returns.std()), "episodes": len(self.returns)}


class Evaluator:
    """Runs a deterministic policy for a number of episodes.

    Every environment runs the same number of episodes to their ends, so that short episodes count no more than long
    ones.
    """

    def __init__(self, environment: Environment, policy: Callable[[tf.Tensor], tf.Tensor], *, episodes: int):
        """
        Args:
            environment: whose `num_envs` divides `episodes`.
            policy: observation [N, ...] → action, reading the variables that it was made with.
            episodes: at least 1.
        """
        require(episodes >= 1, f"evaluation.episodes is {episodes}; it must be at least 1.")
        require(
            episodes % environment.num_envs == 0,
            f"{environment.num_envs} environments do not divide {episodes} episodes.",
        )
        self.environment, self._policy = environment, policy
        self._quota = episodes // environment.num_envs
        self._advance = tf.function(self._advance_steps, jit_compile=environment.compiled, autograph=False)

    def run(self, seed: tf.Tensor, stop: Callable[[], bool] = lambda: False) -> Evaluation | None:
        """Evaluates; seed: [2] int. None where `stop` said so before the end."""
        num_envs = self.environment.num_envs
        state, observation = self.environment.reset(seed)
        carry = (
            state,
            observation,
            tf.zeros(num_envs),
            tf.zeros(num_envs, tf.int32),
            tf.zeros((num_envs, self._quota)),
        )
        calls = 0
        while int(tf.reduce_min(carry[3])) < self._quota:
            if stop():
                return None
            carry = self._advance(*carry, fold(seed, calls))
            calls += 1
        return Evaluation(carry[4].numpy().reshape(-1).astype(np.float64))

    def _advance_steps(self, state, observation, running, finished, returns, seed):
        environment = self.environment
        drawn = uniforms(seed, (_STEPS_PER_CALL, environment.num_envs, environment.num_uniforms))

        def step(t, state, observation, running, finished, returns):
            state, transition = environment.step(state, self._policy(observation), drawn[t])
            running += tf.where(transition.valid, transition.reward, 0.0)
            ended = transition.terminated | transition.truncated
            here = tf.one_hot(finished, self._quota, on_value=True, off_value=False) & ended[:, None]
            returns = tf.where(here, running[:, None], returns)
            finished += tf.cast(ended, tf.int32)
            return t + 1, state, transition.observation, tf.where(ended, 0.0, running), finished, returns

        def unfinished(t, *carry):
            return (t < _STEPS_PER_CALL) & (tf.reduce_min(carry[3]) < self._quota)

        start = (tf.constant(0), state, observation, running, finished, returns)
        return tf.while_loop(unfinished, step, start, parallel_iterations=1)[1:]
