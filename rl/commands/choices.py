"""The config groups, and the options of each."""

import functools
from pathlib import Path

from omegaconf import OmegaConf

from rl.config_files import CONFIGS


def register_resolvers() -> None:
    """Registers `choices`, the help text's list of the options of each config group."""
    OmegaConf.register_new_resolver("choices", lambda: "\n".join(_choices_offered()), replace=True)


@functools.cache
def choices_of(group: str) -> tuple[str, ...]:
    """The options of a config group, without those of a nested group such as `agent/bootstrap`.

    Args:
        group: a folder in configs/, such as `agent`; `/` separates nested groups.
    Returns: the options sorted by path, with `/` in those from subfolders; () where there is no such group. Files that
        begin with `_` are bases of options and no options themselves.
    """
    folder, inner = CONFIGS / group, set(_groups())
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
    """A line for each config group: `group: option, option, …`."""
    return [f"{group}: {', '.join(choices_of(group))}" for group in _groups()]
