"""Environments written in TensorFlow: they become a part of the program that learns from them."""

from rl.environments.compiled.acrobot import Acrobot
from rl.environments.compiled.cartpole import CartPole
from rl.environments.compiled.environment import CompiledEnvironment, Timed
from rl.environments.compiled.mountain_car import MountainCar
from rl.environments.compiled.mountain_car_continuous import MountainCarContinuous
from rl.environments.compiled.pendulum import Pendulum

__all__ = [
    "Acrobot",
    "CartPole",
    "CompiledEnvironment",
    "MountainCar",
    "MountainCarContinuous",
    "Pendulum",
    "Timed",
]
