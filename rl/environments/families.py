"""Families of Gymnasium environments from third-party packages, recognised by the prefixes of their ids.

Gymnasium knows only its own environments until a package that registers others is imported. The packages listed here
are imported when one of their environments is requested by id, so no config has to name a module. An environment of any
other package is given as `module:Name-v0`.
"""

import importlib
from typing import NamedTuple

import gymnasium


class Family(NamedTuple):
    """A package that registers environments with Gymnasium."""

    module: str
    """The module to import."""
    package: str
    """The argument of `pip install`."""
    prefixes: tuple[str, ...]
    """The prefixes of its environments' ids."""
    register: str | None = None
    """The module's function that registers its environments; None if importing the module registers them."""


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
"""All known families; the first one with a matching prefix is used."""


def family_of(id: str) -> Family | None:
    """The family with a prefix of the environment's id; None if there is none."""
    return next((family for family in FAMILIES if id.startswith(family.prefixes)), None)


def register_family(id: str) -> None:
    """Registers the environments of the id's family with Gymnasium, unless the id is registered already.

    Does nothing for an id without a family.

    Raises: ModuleNotFoundError if the family's package is not installed; any exception of its import.
    """
    family = family_of(id)
    if family is None or id in gymnasium.registry:
        return
    module = importlib.import_module(family.module)
    if family.register and id not in gymnasium.registry:
        getattr(module, family.register)()
