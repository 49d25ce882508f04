"""Environments: one protocol on tensors, implemented by Gymnasium's environments and by compiled ones.

`compiled/` holds environments written in TensorFlow, which become part of the training program.
"""

from rl.environments.gymnasium_adapter import GymnasiumEnvironment
from rl.environments.protocol import Environment, State
from rl.environments.transition import Trajectory, Transition

__all__ = ["Environment", "GymnasiumEnvironment", "State", "Trajectory", "Transition"]
