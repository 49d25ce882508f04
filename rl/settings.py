"""Settings: frozen dataclasses whose constructors check every value against the annotation of its field.

    @settings
    class GradVac(Combiner):
        beta: Share

A subclass adds fields to those of its base. The constructor raises `SettingError` for an invalid value. Its message
begins with the field; a caller that knows the config path prepends it. Types, ranges and lengths are pydantic's
annotations in strict mode: a bool is not a number, a fraction is not a whole number, a string is not a list, and
numbers are finite.
"""

import dataclasses
import difflib
import functools
import inspect
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Union, dataclass_transform, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from rl.allowed import MOST, allowed
from rl.inputs import INPUT
from rl.setting_errors import Fault, SettingError, shown

_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)


def _as_float32(number: float) -> float:
    """The number itself; ValueError if float32, the dtype that programs compute in, rounds it to 0 or infinity."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.float32(number)
    if not np.isfinite(rounded) or (number != 0 and rounded == 0):
        raise ValueError("float32")
    return number


Number = Annotated[float, AfterValidator(_as_float32)]
"""A finite number in float32's range; an integer becomes a float."""
PositiveNumber = Annotated[Number, Field(gt=0)]
"""A number in (0, ∞)."""
NonNegativeNumber = Annotated[Number, Field(ge=0)]
"""A number in [0, ∞)."""
Share = Annotated[Number, Field(ge=0, le=1)]
"""A number in [0, 1]."""
ShareBelowOne = Annotated[Number, Field(ge=0, lt=1)]
"""A number in [0, 1)."""
PositiveInteger = Annotated[int, Field(ge=1, le=MOST)]
"""A whole number from 1 to 10¹⁵."""
NonNegativeInteger = Annotated[int, Field(ge=0, le=MOST)]
"""A whole number from 0 to 10¹⁵."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type) -> type:
    """Class decorator that makes a frozen dataclass with keyword-only arguments, which the constructor checks.

    Raises: (the constructor) SettingError that names every invalid, unknown or missing field.
    """
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    cls.__init__ = checked(cls.__init__, get_type_hints(cls, include_extras=True))
    return cls


def checked(function: Callable, hints: Mapping[str, Any] | None = None) -> Callable:
    """Decorator that checks a function's keyword arguments against its annotations before the call.

    Args:
        function: a function, or a class's `__init__`.
        hints: {argument: annotation}; by default the function's own. An argument without annotation is not checked.
    Raises: (the decorated function) SettingError that names every invalid, unknown or missing argument.
    """

    @functools.wraps(function)
    def checking(*arguments, **values):
        return function(*arguments, **check_values(checking, values))

    checking.__hints__ = hints
    return checking


def check_values(function: Callable, values: Mapping[str, Any], *, later: Collection[str] = ()) -> dict[str, Any]:
    """Checks keyword arguments for a `checked` function, and converts them to their types (an integer to a float).

    Args:
        function: a checked function, or a class with a checked constructor; for any other, no value is checked.
        values: {argument: value}.
        later: arguments that may be missing, since they are supplied later.
    Returns: {argument: converted value}.
    Raises: SettingError that names every invalid, unknown or missing argument.
    """
    fields = _fields(function)
    if fields is None:
        return dict(values)
    faults, good = [], {}
    for name, value in values.items():
        if name not in fields.adapters:
            faults.append(Fault(name, _unknown(name, list(fields.adapters))))
            continue
        for entry, knot, variant in _variants(value) if name in fields.inputs else [("", "", value)]:
            try:
                number = fields.adapters[name].validate_python(variant)
                good[name] = value if knot else number
            except ValidationError as error:
                found = _faults(name, fields.hints[name], variant, error)
                faults += [one.below(knot) if knot and one.field.endswith(entry) else one for one in found]
    missing = [name for name in fields.required if name not in values and name not in later]
    faults += [Fault(name, f"must be given: {allowed(fields.hints[name])}") for name in missing]
    if faults:
        raise SettingError(faults)
    return good


def _variants(value: Any) -> list[tuple[str, str, Any]]:
    """The values that an input takes over time: the value itself, or one variant for each knot of a schedule in it.

    A schedule may reach 0 even if its field must be above 0.

    Returns: [(entry of a mapping that has a schedule, knot of the schedule, variant)]; both "" without a schedule.
    """
    if hasattr(value, "knots"):
        knots = {knot: number for knot, number in value.knots.items() if number != 0} or value.knots
        return [("", knot, number) for knot, number in knots.items()]
    if not isinstance(value, Mapping):
        return [("", "", value)]
    first = {key: _variants(one)[0][2] if hasattr(one, "knots") else one for key, one in value.items()}
    scheduled = {key: one for key, one in value.items() if hasattr(one, "knots")}
    variants = [
        (f".{key}", knot, {**first, key: number})
        for key, one in scheduled.items()
        for _, knot, number in _variants(one)
    ]
    return variants or [("", "", value)]


class _Fields(NamedTuple):
    """The arguments of a checked function."""

    hints: dict[str, Any]
    """{argument: annotation}."""
    adapters: dict[str, TypeAdapter]
    """{argument: its validator}."""
    inputs: frozenset[str]
    """The arguments marked as inputs of programs."""
    required: tuple[str, ...]
    """The arguments without a default."""


def has_settings(function: Callable) -> bool:
    """Whether a function is `checked`, or a class has a checked constructor."""
    return _fields(function) is not None


def _fields(function: Callable) -> _Fields | None:
    """The arguments of a checked function or constructor; None for any other."""
    constructor = function.__init__ if isinstance(function, type) else function
    return _fields_of(constructor) if hasattr(constructor, "__hints__") else None


@functools.cache
def _fields_of(function: Callable) -> _Fields:
    """The arguments of a checked function, read once from its signature."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    hints = function.__hints__ or get_type_hints(inspect.unwrap(function), include_extras=True)
    hints = {parameter.name: hints.get(parameter.name, Any) for parameter in parameters}
    required = tuple(parameter.name for parameter in parameters if parameter.default is parameter.empty)
    inputs = frozenset(name for name, hint in hints.items() if INPUT in getattr(hint, "__metadata__", ()))
    return _Fields(hints, {name: _adapter(hint) for name, hint in hints.items()}, inputs, required)


def _adapter(hint: Any) -> TypeAdapter:
    """Pydantic's validator of an annotation; for a dataclass it only checks `isinstance`."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hint = Annotated[Any, AfterValidator(functools.partial(_instance, hint))]  # else pydantic would make a copy
    return TypeAdapter(hint, config=_STRICT)


def _instance(kind: type, value: Any) -> Any:
    """The value itself; ValueError if it is not an instance of the class."""
    if not isinstance(value, kind):
        raise ValueError(kind.__name__)
    return value


def _faults(name: str, hint: Any, value: Any, error: ValidationError) -> list[Fault]:
    """One fault for each invalid place in a value, although pydantic reports one for every branch of a union.

    Args:
        name: the field.
        hint: its annotation.
        value: the value given, in which pydantic's locations are looked up.
        error: pydantic's error.
    """
    faults = {}
    for report in error.errors():
        inner, where, at = hint, name, value
        for step in report["loc"]:
            if isinstance(step, int) and isinstance(at, Sequence):
                inner, where, at = _element(inner), f"{where}[{step}]", at[step]
            elif isinstance(at, Mapping) and step in at:
                inner, where, at = _element(inner), f"{where}.{step}", at[step]
        precision = ", which float32 cannot hold" if report["type"] == "value_error" and _is_number(at) else ""
        faults.setdefault(where, Fault(where, f"is {shown(at)}{precision}; it must be {allowed(inner)}"))
    return list(faults.values())


def _is_number(value: Any) -> bool:
    """Whether a value is an int or a float, and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _element(hint: Any) -> Any:
    """The annotation of a sequence's entries or a mapping's values, also if the annotation is a union with None."""
    hint = _bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        hint = next((_bare(member) for member in get_args(hint) if get_args(_bare(member))), Any)
    return (get_args(hint) or (Any,))[-1]


def _bare(hint: Any) -> Any:
    """An annotation without the metadata of `Annotated`."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _unknown(name: str, known: Sequence[str]) -> str:
    """The predicate of a `Fault` for an unknown field: suggests the most similar known field, or lists all of them.

    Args: name: the unknown field; known: the known fields.
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    others = f"known are {', '.join(known)}" if known else "there are no settings here"
    return f"is unknown; {f'did you mean {close[0]}' if close else others}"
