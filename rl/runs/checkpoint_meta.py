"""The metadata of a checkpoint: its validation, and defaults for what older formats lack.

It is one JSON object inside the NPZ file, with the keys of `_FIELDS` and `format_version`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from rl.errors import DamagedError, require

FORMAT_VERSION = 6
"""The format that is written."""
READABLE = (2, 3, 4, 5, 6)
"""The formats that can be read."""
RENAMED = {"updates": "updates/update"}
"""{name of an array in formats 2 and 3: its current name}."""


_NO_JSON = ("nan", "inf", "-inf")
"""Non-finite numbers, which JSON cannot represent, as `written` writes them and `float` parses them."""


def written(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as JSON can represent it: non-finite numbers become texts, which `validated` parses again.

    Args:
        meta: nested mappings, lists, texts, booleans, numbers and None.
    Returns: the same with `nan`, `inf` and `-inf` as texts, and tuples as lists.
    """

    def plain(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {key: plain(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [plain(value) for value in node]
        return str(node) if isinstance(node, float) and not math.isfinite(node) else node

    return plain(meta)


def _is_number(value: Any) -> bool:
    """Whether a value is a number, finite or not; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_row(value: Any) -> bool:
    """Whether a value is {tag: number}, with non-finite numbers as texts."""
    numbers = isinstance(value, dict) and [tag for tag, x in value.items() if _is_number(x) or x in _NO_JSON]
    return isinstance(value, dict) and len(numbers) == len(value)


def _is_count(value: Any) -> bool:
    """Whether a value is an integer ≥ 0."""
    return type(value) is int and value >= 0


def _maybe(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The test that also accepts None."""
    return lambda value: value is None or test(value)


def _list_of(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The test of a list whose elements all pass a test."""
    return lambda value: isinstance(value, list) and all(map(test, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_averages(value: Any) -> bool:
    """Whether a value is {objective: [number, number]}, the running averages of `NoiseScales`."""
    pairs = value.values() if isinstance(value, dict) else [None]
    return all(isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) for pair in pairs)


_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "steps": (_is_count, "a whole number from 0 on"),
    "timed_steps": (_is_count, "a whole number from 0 on"),
    "timed_seconds": (_is_number, "a number"),
    "wall_seconds": (_is_number, "a number"),
    "best": (_maybe(_is_number), "a number or null"),
    "evaluation": (_maybe(lambda value: isinstance(value, dict)), "an object or null"),
    "since_log": (_list_of(_is_row), "a list of {tag: number}"),
    "noise_scales": (_is_averages, "{objective: two numbers}"),
    "best_step": (_maybe(_is_count), "a whole number from 0 on, or null"),
    "waiting": (_maybe(_is_row), "{tag: number} or null"),
    "columns": (_maybe(_list_of(_is_text)), "a list of tags, or null"),
    "logged": (_maybe(_is_row), "{kind: number} or null"),
    "interim": (lambda value: isinstance(value, bool), "true or false"),
    "first_of": (_maybe(_is_count), "a whole number from 0 on, or null"),
    "lost": (_list_of(_is_text), "a list of sentences"),
    "lengths": (_list_of(_is_count), "a list of whole numbers from 0 on"),
    "memory": (lambda value: isinstance(value, bool), "true or false"),
}
"""{key: (test of its value, the allowed values in words)}; every key but those of `_OPTIONAL` is required."""

_OPTIONAL: Mapping[str, Any] = {"memory": False}
"""Defaults of the keys that a checkpoint of any format may lack; memory: whether it was saved beside the checkpoint."""

_SINCE_3: Mapping[str, Any] = {
    "best_step": None,
    "waiting": None,
    "columns": None,
    "logged": None,
    "interim": False,
    "first_of": None,
    "lost": [],
}
"""Defaults of the keys that format 2 lacks."""
_SINCE_6: Mapping[str, Any] = {"lengths": []}
"""Defaults of the keys that formats 2 to 5 lack."""


def validated(meta: Any, source: str) -> dict[str, Any]:
    """Validates the metadata of a readable format and completes it with the keys that its format lacks.

    Args:
        meta: parsed from JSON.
        source: the name of the file, for errors.
    Returns: {key: value} with every key of `_FIELDS`; the numbers of rows are floats.
    Raises: DamagedError, naming the key, where a value is missing or not allowed; ConfigError for another format.
    """
    if not isinstance(meta, dict):
        raise DamagedError(f"{source} is not a readable checkpoint: its meta is no object.")
    version = meta.get("format_version")
    readable = " and ".join(map(str, READABLE))
    require(
        version in READABLE and not isinstance(version, bool),
        f"{source} has format version {version}; this code reads {readable}.",
    )
    complete = {**_OPTIONAL, **(_SINCE_3 if version == 2 else {}), **(_SINCE_6 if version < 6 else {}), **meta}
    for key, (test, allowed) in _FIELDS.items():
        value = complete.get(key)
        if key not in complete or not test(value):
            raise DamagedError(
                f"{source} is not a readable checkpoint: {key} in its meta is {str(value)[:60]}; it must be {allowed}."
            )
    complete["since_log"] = [_numbers(row) for row in complete["since_log"]]
    complete["waiting"] = None if complete["waiting"] is None else _numbers(complete["waiting"])
    return complete


def _numbers(row: Mapping[str, float | str]) -> dict[str, float]:
    """A row with its texts `nan`, `inf` and `-inf` parsed."""
    return {tag: float(number) for tag, number in row.items()}
