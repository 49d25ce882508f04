"""MountainCarContinuous-v0, with Gymnasium's constants."""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.mountain_car import MountainCar, MountainCarState, roll
from rl.spaces import Box

_POWER, _GOAL = 0.0015, 0.45


class MountainCarContinuous(MountainCar):
    """`MountainCar` with a throttle in [−1, 1] as the action and the goal at position 0.45.

    The reward is −0.1 throttle² per step, plus 100 for the step that terminates. The throttle is clipped to its bounds.
    Differs from Gymnasium: the reward uses the clipped throttle, where Gymnasium's uses the action before clipping.
    """

    action_space = Box(np.array([-1.0], np.float32), np.array([1.0], np.float32))

    def advance(self, state: MountainCarState, action: tf.Tensor, uniforms: tf.Tensor):
        """One step with a push of 0.0015 throttle.

        Args: action: [N, 1] float32, the throttle. See `CompiledEnvironment.advance`.
        """
        throttle = tf.clip_by_value(action[..., 0], -1.0, 1.0)
        after = roll(state, throttle * _POWER)
        terminated = (after.position >= _GOAL) & (after.velocity >= 0.0)
        return after, tf.where(terminated, 100.0, 0.0) - 0.1 * tf.square(throttle), terminated
