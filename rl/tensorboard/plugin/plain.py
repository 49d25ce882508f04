"""Answers as JSON that a browser takes: short numbers, and null for what is not finite."""

import json
import math
from typing import Any

import numpy as np

_DIGITS = 6


def as_json(answer: Any) -> str:
    """Arrays become lists; numbers have six significant digits."""
    return json.dumps(_plain(answer), separators=(",", ":"), allow_nan=False)


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    if isinstance(node, float | np.ndarray | np.generic):
        array = np.asarray(node)
        return _short(array) if array.dtype.kind == "f" else array.tolist()
    return node


def _short(array: np.ndarray) -> Any:
    """Nested lists, NaN and infinities as None."""
    # By text: scaled by powers of ten and back, a quarter of the numbers would get a tail of twelve digits.
    numbers = [float(f"{x:.{_DIGITS}g}") if math.isfinite(x) else None for x in array.ravel().tolist()]
    return np.array(numbers, object).reshape(array.shape).tolist()
