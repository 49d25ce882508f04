"""MountainCarContinuous-v0, with Gymnasium's constants."""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.mountain_car import MountainCar, MountainCarState, roll
from rl.environments.protocol import Box

_POWER, _GOAL = 0.0015, 0.45


class MountainCarContinuous(MountainCar):
    """The valley of `MountainCar` with a throttle between −1 and 1 and the goal at 0.45.

    Reward −0.1 throttle², and 100 more for the step that terminates. A throttle beyond its bounds counts as the bound,
    in the reward as well (Gymnasium's own environment charges for what was asked, not for what was given).
    """

    action_space = Box(np.array([-1.0], np.float32), np.array([1.0], np.float32))

    def advance(self, state: MountainCarState, action: tf.Tensor, uniforms: tf.Tensor):
        """One push of 0.0015 throttle; action: [N, 1]."""
        throttle = tf.clip_by_value(action[..., 0], -1.0, 1.0)
        after = roll(state, throttle * _POWER)
        terminated = (after.position >= _GOAL) & (after.velocity >= 0.0)
        return after, tf.where(terminated, 100.0, 0.0) - 0.1 * tf.square(throttle), terminated
