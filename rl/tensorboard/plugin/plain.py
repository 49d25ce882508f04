"""Answers as JSON for the browser: six significant digits, and null for non-finite numbers.

JSON has no NaN, and TensorBoard's own helper writes it as a string. Six digits are more than a screen shows, and keep
answers short.
"""

import json
import math
from typing import Any

import numpy as np

_DIGITS = 6


def as_json(answer: Any) -> str:
    """An answer of nested dicts, lists, arrays and numbers as compact JSON; arrays become nested lists."""
    return json.dumps(_plain(answer), separators=(",", ":"), allow_nan=False)


def _plain(node: Any) -> Any:
    """The node in types that `json` accepts."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    if isinstance(node, float | np.ndarray | np.generic):
        array = np.asarray(node)
        return _short(array) if array.dtype.kind == "f" else array.tolist()
    return node


def _short(array: np.ndarray) -> Any:
    """An array of floats as nested lists of rounded numbers, with None for NaN and infinities."""
    # Rounds through text: scaling by powers of ten and back leaves twelve spurious digits on 1/4 of the numbers.
    numbers = [float(f"{x:.{_DIGITS}g}") if math.isfinite(x) else None for x in array.ravel().tolist()]
    return np.array(numbers, object).reshape(array.shape).tolist()
