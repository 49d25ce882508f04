"""Greedy evaluation in environments of its own."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Environment
from rl.errors import require
from rl.naming import Program
from rl.randomness import uniforms
from rl.training.seeds import fold

_STEPS_PER_CALL = 200  # a host call stays well below a second, so that a signal is soon heard


class Evaluation(NamedTuple):
    """Undiscounted returns of whole episodes, rewards as the environment gives them, [episodes]."""

    returns: np.ndarray

    def summary(self) -> dict[str, float | int]:
        """{mean, std, iqm, episodes}, as in summary.json.

        std is the population's; iqm the mean of the middle half, a quarter of the episodes being cut off at either end.
        """
        count = len(self.returns)
        middle = np.sort(self.returns)[count // 4 : count - count // 4]
        return {
            "mean": float(self.returns.mean()),
            "std": float(self.returns.std()),
            "iqm": float(middle.mean()),
            "episodes": count,
        }


class Evaluator:
    """Runs a deterministic policy for a number of episodes.

    Every environment runs the same number of episodes to their ends, so that short episodes count no more than long
    ones.
    """

    def __init__(
        self,
        make_environment: Callable[[int], Environment],
        policy: Callable[[tf.Tensor], tf.Tensor],
        *,
        episodes: int,
        num_envs: int,
        num_runs: int = 1,
    ):
        """
        Args:
            make_environment: num_envs → environments.
            policy: observation [N, ...] → action, reading the variables that it was made with; N = num_runs · num_envs.
            episodes: of each run, at least 1.
            num_envs: of each run; divides `episodes`.
            num_runs: how many runs are evaluated together, which takes a compiled environment if more than one.
        """
        require(episodes >= 1, f"evaluation.episodes is {episodes}; it must be at least 1.")
        require(
            episodes % num_envs == 0,
            f"{num_envs} environments do not divide {episodes} episodes.",
        )
        self.environment, self._policy, self._num_runs = make_environment(num_envs * num_runs), policy, num_runs
        self._of_one = self.environment if num_runs == 1 else make_environment(num_envs)
        self._quota = episodes // num_envs
        identity = (type(self.environment).__qualname__, num_envs, num_runs, self._quota)
        self._advance = Program(self._advance_steps, compiled=self.environment.compiled, identity=identity)

    def run(
        self, seeds: Sequence[tf.Tensor], stop: Callable[[], bool] = lambda: False
    ) -> tuple[Evaluation, ...] | None:
        """Evaluates, with a seed ([2] int) for each run; None where `stop` said so before the end."""
        total = self.environment.num_envs
        starts = [self._of_one.reset(seed) for seed in seeds]
        state, observation = (
            tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *starts) if starts[1:] else starts[0]
        )
        carry = (state, observation, tf.zeros(total), tf.zeros(total, tf.int32), tf.zeros((total, self._quota)))
        calls = 0
        while int(tf.reduce_min(carry[3])) < self._quota:
            if stop():
                return None
            carry = self._advance(*carry, tf.stack([tf.cast(seed, tf.uint32) for seed in seeds]), tf.constant(calls))
            calls += 1
        returns = carry[4].numpy().reshape(self._num_runs, -1).astype(np.float64)
        return tuple(Evaluation(of_run) for of_run in returns)

    def _uniforms(self, seeds: tf.Tensor, calls: tf.Tensor) -> tf.Tensor:
        """[steps, N, u], for each run what it would draw alone."""
        shape = (_STEPS_PER_CALL, self._of_one.num_envs, self.environment.num_uniforms)
        if self._num_runs == 1:
            return uniforms(fold(seeds[0], calls), shape)
        drawn = tf.vectorized_map(lambda seed: uniforms(fold(seed, calls), shape), seeds)
        return tf.reshape(tf.transpose(drawn, (1, 0, 2, 3)), (shape[0], self.environment.num_envs, shape[2]))

    def _advance_steps(self, state, observation, running, finished, returns, seeds, calls):
        environment, drawn = self.environment, self._uniforms(seeds, calls)

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
