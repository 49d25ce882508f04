"""Environments written in TensorFlow, which become part of the training program.

To add one, subclass `CompiledEnvironment` and define three pure functions on a batch of N environments: `start`,
`observe` and `advance`. `cartpole.py` is the shortest example; `contract.py` lists what is checked before training.
"""

from rl.environments.compiled.acrobot import Acrobot
from rl.environments.compiled.cartpole import CartPole
from rl.environments.compiled.cartpole_swing_up import CartPoleSwingUp
from rl.environments.compiled.environment import CompiledEnvironment, Timed
from rl.environments.compiled.mountain_car import MountainCar
from rl.environments.compiled.mountain_car_continuous import MountainCarContinuous
from rl.environments.compiled.pendulum import Pendulum
from rl.environments.compiled.reacher import Reacher

__all__ = [
    "Acrobot",
    "CartPole",
    "CartPoleSwingUp",
    "CompiledEnvironment",
    "MountainCar",
    "MountainCarContinuous",
    "Pendulum",
    "Reacher",
    "Timed",
]
