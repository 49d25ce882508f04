"""A compiled environment: a walk on a line, with a reward at its right end."""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment
from rl.settings import PositiveInteger, checked
from rl.spaces import Discrete


class Line(CompiledEnvironment):
    """Actions 0 and 1 step left and right from 0; reaching `length` gives 1 and ends the episode."""

    observation_shape = (1,)
    action_space = Discrete(2)
    num_start_uniforms = 0
    unchecked = ()

    @checked
    def __init__(self, *, length: PositiveInteger, num_envs: PositiveInteger, max_episode_steps: PositiveInteger):
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.length = length

    def start(self, uniforms):
        return tf.zeros(uniforms.shape[0], tf.int32)

    def observe(self, state):
        return tf.cast(state, tf.float32)[:, None] / np.float32(self.length)

    def advance(self, state, action, uniforms):
        state = tf.maximum(state + tf.where(action == 1, 1, -1), 0)
        over = state >= self.length
        return state, tf.cast(over, tf.float32), over
