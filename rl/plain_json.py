"""Standard JSON, which every parser accepts: Python's own encoder writes NaN and Infinity, which are not JSON."""

import json
import math
from typing import Any


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Encodes a value as JSON, with null for numbers that are not finite.

    Args:
        value: a nest of dictionaries, lists, tuples and JSON scalars.
        indent: spaces per level; None for one line.
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(node: Any) -> Any:
    """The nest with None in place of numbers that are not finite, and lists in place of tuples."""
    if isinstance(node, dict):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node
