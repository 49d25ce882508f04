"""The settings that a run directory was trained with, as its `.hydra/` records them."""

from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from rl.commands.run_names import changes_weights, flat


class Recorded(NamedTuple):
    """settings: {dotted key: value} of what may change the weights; choices: {config group: its choice}."""

    settings: dict[str, Any]
    choices: dict[str, str]


def recorded(run: Path) -> Recorded:
    """The settings of a run directory.

    Raises: OSError, ValueError, AttributeError or YAMLError where its files are missing or damaged.
    """
    config = flat(OmegaConf.load(run / ".hydra" / "config.yaml"))
    choices = OmegaConf.load(run / ".hydra" / "hydra.yaml").choices
    return Recorded(
        {key: value for key, value in config.items() if key == "seed" or changes_weights(key)},
        {
            group: str(choice)
            for group, choice in choices.items()
            if not group.startswith("hydra/") and choice is not None
        },
    )
