"""What an annotation of a setting allows, in the words of an error message."""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

MOST = 10**15
"""The largest count: float64 and int64 hold it exactly. A message does not mention it as a bound."""

_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")


def allowed(hint: Any) -> str:
    """`a positive number or null` for `PositiveNumber | None`."""
    bounds = {}
    while get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        for one in metadata:
            bounds |= _bounds(one)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        null = ["null"] if type(None) in arguments else []
        return " or ".join([allowed(one) for one in arguments if one is not type(None)] + null)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(map(str, arguments))
    if hint in (int, float):
        return _number("whole number" if hint is int else "number", bounds)
    if origin is not None and issubclass(origin, Mapping):
        return f"a mapping from names to values, each {allowed(arguments[1])}"
    if origin is not None and issubclass(origin, Sequence):
        return f"a list{_length(bounds)}, each entry {allowed(arguments[0])}"
    words = {bool: "true or false", str: "a string", Any: "any value"}
    return words.get(hint) or f"a {getattr(hint, '__name__', hint)}, made by a _target_"


def _bounds(metadata: Any) -> dict[str, Any]:
    """The bounds that pydantic's `Field` holds; none for other metadata."""
    found = {}
    for one in getattr(metadata, "metadata", ()):
        found |= {key: getattr(one, key) for key in _BOUNDS if hasattr(one, key)}
    return found


def _length(bounds: Mapping[str, Any]) -> str:
    least, most = bounds.get("min_length"), bounds.get("max_length")
    if least == most:
        return "" if least is None else f" of {least}"
    return f" of at least {least}"


def _number(what: str, bounds: Mapping[str, Any]) -> str:
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if high not in (None, MOST):
        opening, closing = "(" if "gt" in bounds else "[", ")" if "lt" in bounds else "]"
        return f"a {what} in {opening}{'−∞' if low is None else _plain(low)}, {_plain(high)}{closing}"
    if low is None:
        return f"a {what}"
    if "gt" in bounds or (what == "whole number" and low == 1):
        return f"a positive {what}" if low in (0, 1) else f"a {what} above {_plain(low)}"
    return f"a {what} that is not negative" if low == 0 else f"a {what} of at least {_plain(low)}"


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
