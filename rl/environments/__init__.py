"""One protocol on tensors, and the environments that speak it."""

from rl.environments.gymnasium_adapter import GymnasiumEnvironment
from rl.environments.protocol import Box, Discrete, Environment, State, Trajectory, Transition

__all__ = ["Box", "Discrete", "Environment", "GymnasiumEnvironment", "State", "Trajectory", "Transition"]
