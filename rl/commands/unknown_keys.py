"""The sentence on an override whose key is not in the config: the nearest key, or those that there are."""

import difflib
import re
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

_KEY = re.compile(r"Could not override '(?P<key>[^'@]+)")


def unknown_key(message: str, arguments: Sequence[str]) -> str | None:
    """A sentence for Hydra's message on a key or group that the config lacks; None for any other message.

    Hydra would advise to add the key by `+`, which the constructors refuse in the end.

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
    overrides = [text for text in arguments if "=" in text and not text.startswith("-")]
    config = _composed([text for text in overrides if text.lstrip("+~").partition("=")[0] != key])
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return f"{key} is unknown: {parent} is no group of settings here."
    names = [str(one) for one in node if not str(one).startswith("_")]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    path = f"{parent}." if parent else ""
    if close:
        return f"{key} is unknown; did you mean {path}{close[0]}?"
    return f"{key} is unknown; {f'{parent} has' if parent else 'there are'} {', '.join(names)}."


def _composed(overrides: Sequence[str]) -> DictConfig:
    """The config of those of the overrides that make one, the last ones left out where all of them do not."""
    from rl.commands.restoring import composed
    from rl.errors import ConfigError

    for count in range(len(overrides), 0, -1):
        try:
            return composed(overrides[:count])
        except ConfigError:
            continue
    return composed([])
