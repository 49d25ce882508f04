"""Families of Gymnasium environments in packages of their own, recognised by the prefixes of their names.

Gymnasium knows only its own environments until a package that registers others is imported. These packages are
imported when one of their environments is asked for by name, so that no config has to name a module. Environments of
any other package are given as `module:Name-v0`.
"""

import importlib
from typing import NamedTuple

import gymnasium


class Family(NamedTuple):
    """A package that registers environments with Gymnasium."""

    module: str
    """The module to import."""
    package: str
    """What `pip install` has to be given."""
    prefixes: tuple[str, ...]
    """How the names of its environments begin."""
    register: str | None = None
    """The module's function that registers them; None where importing the module does."""


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
    """The family with a prefix of the environment's name; None where no family has one."""
    return next((family for family in FAMILIES if id.startswith(family.prefixes)), None)


def register_family(id: str) -> None:
    """Registers the environments of the name's family with Gymnasium, unless the name is registered already.

    Raises: ModuleNotFoundError where the family's package is not installed; any exception of its import.
    """
    family = family_of(id)
    if family is None or id in gymnasium.registry:
        return
    module = importlib.import_module(family.module)
    if family.register and id not in gymnasium.registry:
        getattr(module, family.register)()
