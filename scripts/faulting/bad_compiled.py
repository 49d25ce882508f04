"""Compiled environments that violate their contract: `Bad(fault=<name>)`."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments.compiled import CompiledEnvironment
from rl.spaces import Discrete


class Walk(NamedTuple):
    """The state: a position on a line and the number of steps, each [N]."""

    place: tf.Tensor
    steps: tf.Tensor


def _now(state: Walk, at: int, value: float, other: tf.Tensor) -> tf.Tensor:
    """`value` in step number `at` of an episode, otherwise `other`."""
    return tf.where(state.steps == at, value, other)


NUMBERS = {
    "nan_reward": ("reward", float("nan")),
    "inf_reward": ("reward", float("inf")),
    "huge_reward": ("reward", 1e35),
    "nan_observation": ("observation[1]", float("nan")),
    "inf_observation": ("observation[1]", float("-inf")),
    "nan_final_observation": ("final observation[1]", float("nan")),
}
"""{fault: (field, value)}, in step number `at` of every episode; a final observation is that of the last step."""

CONTRACT = {
    "whole_reward": r"Bad\.advance: the reward is int32 \[2\]; it must be float32 \[2\]",
    "double_reward": r"Bad\.advance: the reward is float64 \[2\]; it must be float32 \[2\]",
    "one_reward": r"Bad\.advance: the reward is float32 \[\]; it must be float32 \[2\]",
    "python_reward": r"Bad\.advance: the reward is 1\.0; it must be float32 \[2\]",
    "float_terminated": r"Bad\.advance: `terminated` is float32 \[2\]; it must be bool \[2\]",
    "python_terminated": r"Bad\.advance: `terminated` is False; it must be bool \[2\]",
    "two_results": r"Bad\.advance returns 2 values; it must return \(next state, reward, terminated\)",
    "wide_observation": r"Bad\.observe is float32 \[2, 3\]; it must be float32 \[2, 2\]",
    "whole_observation": r"Bad\.observe is int32 \[2, 2\]; it must be float32 \[2, 2\]",
    "one_observation": r"Bad\.observe is float32 \[2\]; it must be float32 \[2, 2\]",
    "other_state": r"the state after `advance` has the leaves of one tensor; it must have those of .* \.place, \.steps",
    "state_of_another_type": r"the state after `advance` has \.steps float32 \[2\]; it must be as in .* int32 \[2\]",
    "state_without_rows": r"Bad\.start: the state \.steps has shape \[\]; its first axis must be the 2 environments",
    "raises": r"Bad\.advance fails: ZeroDivisionError: no friction \(.*bad_compiled\.py:\d+ in advance\)",
    "does_not_fit": r"Bad\.advance fails: InvalidArgumentError: .* \(.*bad_compiled\.py:\d+ in advance\)",
    "no_uniforms": r"Bad\.advance fails: .* in advance\)\. It gets no uniform numbers: num_step_uniforms is 0",
    "numpy": r"Bad\.advance cannot be compiled: NotImplementedError: .*bad_compiled\.py:\d+ in advance.*",
    "python_call": r"Bad\.advance calls Python \(PyFunc\), which a compiled program cannot",
    "own_random": r"Bad\.advance draws from TensorFlow's own generator \(RandomStandardNormal\)",
    "no_shape": r"Bad has no observation_shape",
    "bad_shape": r"Bad\.observation_shape is 2; it must be a tuple of positive integers",
    "bad_space": r"Bad\.action_space is 2; it must be a Discrete or a Box",
}
"""{fault: pattern of the message}, for faults that are reported before anything is traced."""


class Bad(CompiledEnvironment):
    """Two observed numbers, 2 actions, reward 1, `max_episode_steps` steps; the fault is in step `at` of an episode."""

    action_space = Discrete(2)
    num_start_uniforms = 1

    def __init__(self, *, num_envs: int, max_episode_steps: int | None = 8, fault: str | None = None, at: int = 3):
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.fault, self.at = fault, at
        if fault != "no_shape":
            self.observation_shape = 2 if fault == "bad_shape" else (2,)
        if fault == "bad_space":
            self.action_space = 2

    def start(self, uniforms):
        """A random position in [0, 1)."""
        steps = tf.zeros_like(uniforms[:, 0], tf.int32)
        return Walk(uniforms[:, 0], steps[0] if self.fault == "state_without_rows" else steps)

    def observe(self, state):
        """The position, and a number that is 1 unless the fault changes it."""
        second = tf.ones_like(state.place)
        if self.fault in ("nan_observation", "inf_observation"):
            second = _now(state, self.at, NUMBERS[self.fault][1], second)
        if self.fault == "nan_final_observation":
            second = _now(state, self.max_episode_steps, NUMBERS[self.fault][1], second)
        both = tf.stack([state.place, second], -1)
        return {
            "wide_observation": tf.concat([both, both[:, :1]], -1),
            "whole_observation": tf.cast(both, tf.int32),
            "one_observation": state.place,
        }.get(self.fault, both)

    def advance(self, state, action, uniforms):
        """Moves by 0.005 to either side."""
        if self.fault == "raises":
            raise ZeroDivisionError("no friction")
        place = state.place + 0.01 * (tf.cast(action, tf.float32) - 0.5)
        if self.fault == "no_uniforms":
            place += uniforms[:, 0]
        if self.fault == "numpy":
            place = tf.constant(np.asarray(place) + 0.0)
        if self.fault == "python_call":
            place = tf.ensure_shape(tf.numpy_function(lambda x: x, [place], tf.float32), place.shape)
        if self.fault == "own_random":
            place += tf.random.normal(place.shape)
        if self.fault == "does_not_fit":
            place = tf.reshape(place, (3, 5))
        after, reward, terminated = Walk(place, state.steps + 1), tf.ones_like(place), tf.zeros_like(place, tf.bool)
        if self.fault in NUMBERS and NUMBERS[self.fault][0] == "reward":
            reward = _now(after, self.at, NUMBERS[self.fault][1], reward)
        return {
            "whole_reward": (after, tf.ones_like(action, tf.int32), terminated),
            "double_reward": (after, tf.cast(reward, tf.float64), terminated),
            "one_reward": (after, tf.ones(()), terminated),
            "python_reward": (after, 1.0, terminated),
            "float_terminated": (after, reward, tf.zeros_like(reward)),
            "python_terminated": (after, tf.ones(()), False),
            "two_results": (after, reward),
            "other_state": (place, reward, terminated),
            "state_of_another_type": (Walk(place, tf.cast(after.steps, tf.float32)), reward, terminated),
        }.get(self.fault, (after, reward, terminated))
