"""Settings: what a value may be stands beside the field that holds it, and is checked in one place.

    @settings
    class GradVac(Combiner):
        beta: Share

A constructor made so refuses a wrong value with a `SettingError`, whose message begins with the field; whoever knows
where the value stands in a config puts that path before it. Types, ranges and lengths are pydantic's annotations, read
strictly: a bool is no number, a fraction no whole number, a text no list, and no number is infinite or not a number.
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
from rl.errors import ConfigError
from rl.inputs import INPUT

_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
_LONGEST_VALUE = 60


def _as_float32(number: float) -> float:
    """The number itself; ValueError where float32, in which programs compute, makes 0 or infinity of it."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.float32(number)
    if not np.isfinite(rounded) or (number != 0 and rounded == 0):
        raise ValueError("float32")
    return number


Number = Annotated[float, AfterValidator(_as_float32)]
"""A finite number that float32 can hold; an integer will do."""
PositiveNumber = Annotated[Number, Field(gt=0)]
NonNegativeNumber = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
"""A number from 0 to 1."""
ShareBelowOne = Annotated[Number, Field(ge=0, lt=1)]
"""A number in [0, 1)."""
PositiveInteger = Annotated[int, Field(ge=1, le=MOST)]
NonNegativeInteger = Annotated[int, Field(ge=0, le=MOST)]


class Fault(NamedTuple):
    """What is wrong with one field, `coefficients.value` or `widths[0]`, in a sentence that goes on from its name."""

    field: str
    says: str

    def below(self, inner: str) -> "Fault":
        """The same of a field within."""
        return self._replace(field=f"{self.field}.{inner}")


class SettingError(ConfigError):
    """Fields with values that they may not have."""

    def __init__(self, faults: Sequence[Fault]):
        self.faults = tuple(faults)
        super().__init__(" ".join(f"{field} {says}." for field, says in self.faults))

    def __reduce__(self):
        return SettingError, (self.faults,)

    def within(self, path: str) -> "SettingError":
        """The same, its fields at a path of a config."""
        return SettingError([Fault(f"{path}.{field}", says) for field, says in self.faults])


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type) -> type:
    """A frozen dataclass with keyword arguments alone, whose constructor checks them."""
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    cls.__init__ = checked(cls.__init__, get_type_hints(cls, include_extras=True))
    return cls


def checked(function: Callable, hints: Mapping[str, Any] | None = None) -> Callable:
    """The function or constructor, refusing arguments that are not what its annotations say (SettingError).

    Args:
        hints: {argument: annotation}; those of the function, if not given. An argument without one may be anything.
    """

    @functools.wraps(function)
    def checking(*arguments, **values):
        return function(*arguments, **check_values(checking, values))

    checking.__hints__ = hints
    return checking


def check_values(function: Callable, values: Mapping[str, Any], *, later: Collection[str] = ()) -> dict[str, Any]:
    """The keyword arguments of a `checked` function, of their types: an integer for a number becomes a float.

    Args:
        function: or a class with a checked constructor; of any other nothing is known, and all values pass.
        later: arguments that are not known yet.
    Raises: SettingError, for all fields at once.
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
    """The value that an input may take: itself, or, for each value of a schedule in it, one with that.

    A schedule may also come to 0 where its field has to be above.

    Returns: [(entry of a mapping that has a schedule, field of the schedule, the value)], both "" without a schedule.
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
    """The arguments of a checked function: annotations, what validates them, inputs, and those without a default."""

    hints: dict[str, Any]
    adapters: dict[str, TypeAdapter]
    inputs: frozenset[str]
    required: tuple[str, ...]


def has_settings(function: Callable) -> bool:
    """Whether it declares what its arguments may be: a `checked` function, or a class with such a constructor."""
    return _fields(function) is not None


def _fields(function: Callable) -> _Fields | None:
    constructor = function.__init__ if isinstance(function, type) else function
    return _fields_of(constructor) if hasattr(constructor, "__hints__") else None


@functools.cache
def _fields_of(function: Callable) -> _Fields:
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    hints = function.__hints__ or get_type_hints(inspect.unwrap(function), include_extras=True)
    hints = {parameter.name: hints.get(parameter.name, Any) for parameter in parameters}
    required = tuple(parameter.name for parameter in parameters if parameter.default is parameter.empty)
    inputs = frozenset(name for name, hint in hints.items() if INPUT in getattr(hint, "__metadata__", ()))
    return _Fields(hints, {name: _adapter(hint) for name, hint in hints.items()}, inputs, required)


def _adapter(hint: Any) -> TypeAdapter:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hint = Annotated[Any, AfterValidator(functools.partial(_instance, hint))]  # as it is, not made anew
    return TypeAdapter(hint, config=_STRICT)


def _instance(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(kind.__name__)
    return value


def _faults(name: str, hint: Any, value: Any, error: ValidationError) -> list[Fault]:
    """One fault for each place within the field that is wrong, however many branches of a union say so."""
    faults = {}
    for one in error.errors():
        inner, where, at = hint, name, value
        for step in one["loc"]:
            if isinstance(step, int) and isinstance(at, Sequence):
                inner, where, at = _element(inner), f"{where}[{step}]", at[step]
            elif isinstance(at, Mapping) and step in at:
                inner, where, at = _element(inner), f"{where}.{step}", at[step]
        precision = ", which float32 cannot hold" if one["type"] == "value_error" and _is_number(at) else ""
        faults.setdefault(where, Fault(where, f"is {shown(at)}{precision}; it must be {allowed(inner)}"))
    return list(faults.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _element(hint: Any) -> Any:
    """The annotation of what a sequence or mapping holds, within an option too."""
    hint = _bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        hint = next((_bare(one) for one in get_args(hint) if get_args(_bare(one))), Any)
    return (get_args(hint) or (Any,))[-1]


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def shown(value: Any) -> str:
    """A value as a message shows it, in a config's words and not too long."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else _repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer with more digits than Python writes out
        return "a number with thousands of digits"


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"is read by nothing; {f'did you mean {close[0]}' if close else 'known are ' + ', '.join(known)}"
