"""The location of the YAML config files, for code that reads them without Hydra."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
CONFIGS = _PACKAGE / "configs" if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent / "configs"
"""The folder of the configs: `rl/configs` in an installed package, `configs` beside `rl` in a checkout."""
