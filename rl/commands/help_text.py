"""What the help text in `configs/train.yaml` asks for: the command as it was called, and where the configs are."""

import sys
from pathlib import Path

from omegaconf import OmegaConf

from rl.commands.composition import CONFIGS
from rl.commands.results import shown


def program() -> str:
    """How this command was called, as one types it: `tapestry train`, or `python scripts/train.py`.

    `rl.commands.main` puts the name of a console command into `sys.argv`; a script has its path there.
    """
    called = sys.argv[0]
    return called if called.startswith("tapestry ") else f"python scripts/{Path(called).name}"


def register_resolvers() -> None:
    """`program` (see above) and `config_folder`, relative where it lies below the working directory."""
    OmegaConf.register_new_resolver("program", program, replace=True)
    OmegaConf.register_new_resolver("config_folder", lambda: shown(CONFIGS), replace=True)
