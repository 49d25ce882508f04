"""Resolvers for the help text in `configs/train.yaml`: the command as the user typed it, and the config folder."""

import sys
from pathlib import Path

from omegaconf import OmegaConf

from rl.commands.results import shown
from rl.config_files import CONFIGS


def program() -> str:
    """The command as the user typed it: `tapestry train`, or `python scripts/train.py`.

    `rl.commands.main` puts the name of a console command into `sys.argv`; a script has its path there.
    """
    called = sys.argv[0]
    return called if called.startswith("tapestry ") else f"python scripts/{Path(called).name}"


def register_resolvers() -> None:
    """Registers `program` (see above) and `config_folder`, relative if it is inside the working directory."""
    OmegaConf.register_new_resolver("program", program, replace=True)
    OmegaConf.register_new_resolver("config_folder", lambda: shown(CONFIGS), replace=True)
