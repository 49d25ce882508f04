"""JSON that every reader takes: Python's own writes NaN and Infinity, which are no JSON."""

import json
import math
from typing import Any


def dumps(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON; null for a number that is not finite."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node
