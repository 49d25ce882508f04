"""The config groups, and the options of each."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from rl.config_files import CONFIGS


def register_resolvers() -> None:
    """Registers `choices`, the help text's list of the options of each config group."""
    OmegaConf.register_new_resolver("choices", lambda: "\n".join(_choices_offered()), replace=True)


def config_folders(arguments: Sequence[str]) -> list[Path]:
    """The config folders: this package's, and the user's own if one is given (`--config-dir FOLDER`).

    Hydra itself adds the user's folder to its search path, for every job of a sweep.
    """
    folders = [CONFIGS]
    for place, text in enumerate(arguments):
        flag, _, value = text.partition("=")
        if flag in ("--config-dir", "-cd"):
            folders += [Path(folder) for folder in (value, *arguments[place + 1 : place + 2]) if folder][:1]
    return folders


@functools.cache
def choices_of(group: str, folder: Path = CONFIGS) -> tuple[str, ...]:
    """The options of a config group, without those of a nested group such as `agent/bootstrap`.

    Args:
        group: a folder in configs/, such as `agent`; `/` separates nested groups.
        folder: the config folder; by default this package's.
    Returns: the options sorted by path, with `/` in those from subfolders; () where there is no such group. Files that
        begin with `_` are bases of options and no options themselves.
    """
    folder, inner = folder / group, set(_groups())
    if not folder.is_dir():
        return ()
    files = (file.relative_to(folder).with_suffix("") for file in sorted(folder.rglob("*.yaml")))
    return tuple(
        file.as_posix()
        for file in files
        if not file.name.startswith("_") and (file.parent == Path() or f"{group}/{file.parent.as_posix()}" not in inner)
    )


@functools.cache
def _groups() -> tuple[str, ...]:
    """The config groups that defaults lists name; any other folder is part of an option's name."""
    files = (CONFIGS / "train.yaml", *CONFIGS.rglob("_*.yaml"))
    found = []
    for file in files:
        within = file.parent.relative_to(CONFIGS).as_posix()
        for entry in OmegaConf.load(file).get("defaults", []):
            if not isinstance(entry, str):
                name = str(next(iter(entry))).removeprefix("override ")
                found.append(name if within == "." else f"{within}/{name}")
    return tuple(name for name in dict.fromkeys(found) if not name.startswith("hydra/"))


def _choices_offered() -> list[str]:
    """A line for each config group: `group: option, option, …`, the user's own options last."""
    folders = config_folders(sys.argv[1:])
    every = {
        group: dict.fromkeys(name for folder in folders for name in choices_of(group, folder)) for group in _groups()
    }
    return [f"{group}: {', '.join(options)}" for group, options in every.items()]
