"""Wrong values for every key of a config, by the type of its value."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

_HUGE = 10**400

_WRONG: dict[type, tuple] = {
    bool: (1, 0, 0.0, 1.5, -1, "true", "no", "", None, math.nan, [True], {"a": True}),
    int: (True, False, 1.5, "1", "abc", "", math.nan, math.inf, _HUGE, [1], {"a": 1}, -_HUGE),
    float: (True, False, "0.5", "abc", "", math.nan, math.inf, -math.inf, 1e39, _HUGE, [0.5], {"a": 0.5}),
    str: (1, 1.5, True, None, math.nan, "no such word", "", [], ["a"], {"a": "b"}, -1, math.inf),
    list: (1, 1.5, True, None, "abc", "", math.nan, {"a": 1}, [math.nan], [{"a": 1}], [None], [_HUGE]),
    dict: (1, 1.5, True, None, "abc", "", math.nan, math.inf, [], [1], [None], -1),
    type(None): (
        True,
        math.nan,
        math.inf,
        -math.inf,
        [None],
        [{"a": 1}],
        {"a": [1]},
        {},
        _HUGE,
        {"a": None},
        [[]],
        [True],
    ),
}
"""{type of a key's value: twelve values that the key must refuse}."""
_FREE_TEXT = ("environment.id", "checkpoint.load", "compilation_cache")
"""Keys that take any text; whether it is right depends on the environments and files that exist."""
_NULLABLE = (
    "compilation_cache",
    "environment.autoreset",
    "environment.max_episode_steps",
    "environment.kwargs",
    "environment.target",
    "optimizer.clip_norm",
)
"""Keys that have a value and accept null as well."""
_NUMBERS = ("threads",)
"""Keys that have a word and accept a number as well."""


class WrongInput(NamedTuple):
    """A key of a config, and a value that it must refuse."""

    key: str
    value: Any

    def put_into(self, config: DictConfig) -> DictConfig:
        """A copy of the config with this value."""
        changed = config.copy()
        OmegaConf.set_struct(changed, False)
        OmegaConf.update(changed, self.key, self.value, merge=False)
        return changed

    @property
    def override(self) -> str:
        """The override as one types it on a command line."""
        words = {None: "null", True: "true", False: "false"}
        value = self.value
        plain = words[value] if value is None or isinstance(value, bool) else str(value)
        return f"{self.key}={plain.replace(' ', '')}" if plain else f"{self.key}=''"


def wrong_inputs(node: DictConfig, path: str) -> Iterator[WrongInput]:
    """Wrong values for every leaf below a node, and for the node itself.

    Args:
        path: of the node in the config; empty for the root.
    """
    for key, value in _leaves(node, path):
        kind = next((kind for kind in _WRONG if type(value) is kind), type(None))
        for wrong in _WRONG[kind]:
            if (isinstance(wrong, str) and key in _FREE_TEXT) or (wrong is None and key in _NULLABLE):
                continue
            if wrong == 1 and type(wrong) is int and key in _NUMBERS:
                continue
            yield WrongInput(key, wrong)
    if path:
        yield from (WrongInput(path, value) for value in (None, 3, "abc", True, [], [1], {}, {"a": 1}))


def _leaves(node: DictConfig, path: str) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        key = f"{path}.{name}" if path else str(name)
        if isinstance(value, DictConfig) and value:
            yield from _leaves(value, key)
        elif name not in ("_target_", "_convert_"):
            yield key, OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
