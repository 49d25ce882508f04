"""Describes the values that a setting's annotation allows, for error messages.

An annotation is a type, `Annotated` with pydantic's bounds, a `Literal`, a union of these, a mapping or a sequence.
"""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

MOST = 10**15
"""The largest count that a setting may have; exact in float64 and int64. Messages do not mention this bound."""

_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")


def allowed(hint: Any) -> str:
    """Describes the values that an annotation allows, as a noun phrase.

    PositiveNumber | None           a positive number or null
    ShareBelowOne                   a number in [0, 1)
    Literal["sum", "mean"]          one of sum, mean
    Sequence[PositiveInteger]       a list, each entry a positive whole number
    Mapping[str, PositiveNumber]    a mapping from names to values, each a positive number
    bool                            true or false
    a class                         a <its name>, made by a _target_
    """
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
    """The bounds in a pydantic `Field`, {gt, ge, lt, le, min_length or max_length: bound}; {} for other metadata."""
    found = {}
    for one in getattr(metadata, "metadata", ()):
        found |= {key: getattr(one, key) for key in _BOUNDS if hasattr(one, key)}
    return found


def _length(bounds: Mapping[str, Any]) -> str:
    """The allowed lengths of a list, ` of 2` or ` of at least 1`; empty if there are no bounds."""
    least, most = bounds.get("min_length"), bounds.get("max_length")
    if least == most:
        return "" if least is None else f" of {least}"
    return f" of at least {least}"


def _number(what: str, bounds: Mapping[str, Any]) -> str:
    """A number and its range.

    With an upper bound the result is an interval, `a number in [0, 1)`; else `a positive number`, `a number that is not
    negative`, `a number above 2`, `a whole number of at least 2`, or `a number`.

    Args: what: `number` or `whole number`; bounds: the result of `_bounds`.
    """
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
    """A bound in digits: 1,000 for an integer, as short as possible for a float."""
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
