"""The sentence on an override whose key is not in the config: the nearest key, or those that there are."""

import difflib
import re
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from rl.commands.choices import config_folders

_KEY = re.compile(r"Could not override '(?P<key>[^'@]+)")
_OPEN = ("kwargs", "rates")
"""Mappings whose keys are the user's, and which `+` adds to."""


def unknown_key(message: str, arguments: Sequence[str]) -> str | None:
    """A sentence for Hydra's message on a key or group that the config lacks; None for any other message.

    Hydra would advise to add the key by `+`, which the constructors refuse in the end, except where a mapping is open.

    Args:
        message: Hydra's.
        arguments: of the command line; the config is that of its other overrides.
    """
    found = _KEY.match(message)
    if found is None:
        return None
    key = found["key"]
    if "/" in key:
        return f"{key} is no group of configs that the other overrides choose."
    config = _composed(arguments, without=key)
    if isinstance(OmegaConf.select(config, key), DictConfig):  # given as a whole, with a key that it lacks
        return _of_mapping(config, key, "<name>")
    return _of_key(config, key)


def _of_key(config: DictConfig, key: str) -> str:
    """The sentence on a key that the config lacks."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return f"{key} is unknown: {parent} is no group of settings here."
    if parent.rpartition(".")[2] in _OPEN:
        return _of_mapping(config, parent, name)
    close = difflib.get_close_matches(name, _names(node), n=1, cutoff=0.7)
    if close:
        return f"{key} is unknown; did you mean {parent}{'.' if parent else ''}{close[0]}?"
    return f"{key} is unknown; {f'{parent} has' if parent else 'there are'} {', '.join(_names(node))}."


def _of_mapping(config: DictConfig, key: str, name: str) -> str:
    """The sentence on a mapping that lacks a key; it says how one is added where the keys are the user's."""
    names = ", ".join(_names(OmegaConf.select(config, key)))
    has = f"{key} has {names}" if names else f"{key} is empty"
    is_open = key.rpartition(".")[2] in _OPEN
    return f"{has}; a new key is added with a plus: +{key}.{name}=…" if is_open else f"{has}, and no other key."


def _names(node: DictConfig) -> list[str]:
    """The keys of a mapping that users set."""
    return [str(key) for key in node if not str(key).startswith("_")]


def _composed(arguments: Sequence[str], *, without: str) -> DictConfig:
    """The config of the command line without the overrides of a key; the last ones are left out if they make none."""
    from rl.commands.restoring import composed
    from rl.errors import ConfigError

    overrides = [text for text in arguments if "=" in text and not text.startswith("-")]
    overrides = [text for text in overrides if text.lstrip("+~").partition("=")[0] != without]
    own = [f"file://{folder.absolute()}" for folder in config_folders(arguments)[1:]]
    path = [f"hydra.searchpath=[{','.join(own)}]"] if own else []
    for count in range(len(overrides), 0, -1):
        try:
            return composed([*path, *overrides[:count]])
        except ConfigError:
            continue
    return composed([])
