"""Answers as JSON that a browser takes: short numbers, and null for what is not finite."""

import json
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
    finite = np.isfinite(array)
    known = np.where(finite, array, 0.0).astype(np.float64)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        power = np.where(known == 0, 0.0, np.floor(np.log10(np.abs(known), where=known != 0, out=np.zeros_like(known))))
        # In two halves: 10 to the power of a small number's digits would overflow.
        scale = _DIGITS - 1 - power
        half = np.floor(scale / 2)
        rounded = np.round(known * 10.0**half * 10.0 ** (scale - half)) / 10.0**half / 10.0 ** (scale - half)
    numbers = np.where(np.isfinite(rounded), rounded, known).astype(object)
    numbers[~finite] = None
    return numbers.tolist()
