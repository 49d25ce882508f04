"""Wrong values for every key of a config, by the kind of the value that stands there."""

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
"""Twelve values for a key whose own value is of this kind; none of them means anything there."""
_FREE_TEXT = ("environment.id", "checkpoint.load")
"""Keys that take any string: which one is right, only the environment or the disk can tell."""
_NULLABLE = (
    "environment.autoreset",
    "environment.max_episode_steps",
    "environment.kwargs",
    "optimizer.clip_norm",
)
"""Keys with a value of their own that null is right for as well."""


class WrongInput(NamedTuple):
    """A key of a config, and a value that it may not have."""

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
        """As one would write it on a command line."""
        words = {None: "null", True: "true", False: "false"}
        value = self.value
        plain = words[value] if value is None or isinstance(value, bool) else str(value)
        return f"{self.key}={plain.replace(' ', '')}" if plain else f"{self.key}=''"


def wrong_inputs(node: DictConfig, path: str) -> Iterator[WrongInput]:
    """Twelve wrong values for every leaf below a node that stands at a path, and for the node itself."""
    for key, value in _leaves(node, path):
        kind = next((kind for kind in _WRONG if type(value) is kind), type(None))
        for wrong in _WRONG[kind]:
            if (isinstance(wrong, str) and key in _FREE_TEXT) or (wrong is None and key in _NULLABLE):
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
