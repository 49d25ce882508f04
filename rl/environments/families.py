"""Families of Gymnasium environments in packages of their own, known by how their names begin."""

import importlib
from typing import NamedTuple

import gymnasium


class Family(NamedTuple):
    """A package whose environments are registered by importing it.

    register: the function to call where importing is not enough.
    """

    module: str
    package: str
    prefixes: tuple[str, ...]
    register: str | None = None


FAMILIES = (
    Family("ale_py", "ale-py", ("ALE/",)),
    Family("minigrid", "minigrid", ("MiniGrid-", "BabyAI-")),
    Family("minatar.gym", "minatar", ("MinAtar/",), register="register_envs"),
    Family(
        "highway_env",
        "highway-env",
        (
            "highway-",
            "merge-",
            "roundabout-",
            "parking-",
            "intersection-",
            "racetrack-",
            "exit-",
            "lane-keeping-",
            "two-way-",
            "u-turn-",
        ),
    ),
    Family(
        "gymnasium_robotics",
        "gymnasium-robotics",
        ("Fetch", "HandReach", "HandManipulate", "AdroitHand", "AntMaze_", "PointMaze_", "FrankaKitchen-"),
    ),
    Family("miniworld", "miniworld", ("MiniWorld-",)),
    Family("shimmy", "'shimmy[dm-control]'", ("dm_control/",)),
)


def family_of(id: str) -> Family | None:
    """The family that an environment's name belongs to, if it is one of these."""
    return next((family for family in FAMILIES if id.startswith(family.prefixes)), None)


def register_family(id: str) -> None:
    """Makes the name known to Gymnasium where it belongs to a family.

    Raises: ModuleNotFoundError where the package is not installed; whatever importing it raises.
    """
    family = family_of(id)
    if family is None or id in gymnasium.registry:
        return
    module = importlib.import_module(family.module)
    if family.register and id not in gymnasium.registry:
        getattr(module, family.register)()
