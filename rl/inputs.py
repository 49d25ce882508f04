"""Numbers of a config that compiled programs take as inputs: a sweep over them compiles nothing anew.

A field says so beside its type:

    learning_rate: Annotated[PositiveNumber, INPUT]

Such a field also takes a schedule (`rl.schedules`) instead of a number.

A program only calculates with such a number. Whatever Python decides by (a length, a choice, whether a number is given
at all) is no input, since another value of it is another program.
"""

import copy
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, get_type_hints

INPUT = object()
"""What marks a field as an input of programs."""


def inputs_of(settings: Any) -> dict[str, float]:
    """{field: number} of the inputs of a settings object, `coefficients.value` or `bootstrap.eta` for one within;
    without those that are None.
    """
    numbers = {}
    for name, value in _relevant(settings):
        numbers |= _numbers_of(name, value)
    return numbers


def _numbers_of(name: str, value: Any) -> dict[str, float]:
    if dataclasses.is_dataclass(value):
        return at(name, inputs_of(value))
    if isinstance(value, Mapping):
        return at(name, {inner: x for key, one in value.items() for inner, x in _numbers_of(key, one).items()})
    return {name: value}


def with_inputs(settings: Any, numbers: Mapping[str, Any]) -> Any:
    """A copy of a settings object with other numbers for all of its inputs, [] float32 tensors as well: unchecked."""
    return changed(settings, {name: _with_numbers(name, value, numbers) for name, value in _relevant(settings)})


def _with_numbers(name: str, value: Any, numbers: Mapping[str, Any]) -> Any:
    if dataclasses.is_dataclass(value):
        return with_inputs(value, below(name, numbers))
    if isinstance(value, Mapping):
        return {key: _with_numbers(key, one, below(name, numbers)) for key, one in value.items()}
    return numbers[name]


def changed(settings: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a settings object with other values for some of its fields, unchecked."""
    other = copy.copy(settings)
    for name, value in values.items():
        object.__setattr__(other, name, value)  # a settings object is frozen
    return other


def _relevant(settings: Any) -> list[tuple[str, Any]]:
    """The fields that are inputs, and the settings objects in which others may be."""
    marked = _marked(type(settings)) if dataclasses.is_dataclass(settings) else ()
    nested = [name for name, value in vars(settings).items() if dataclasses.is_dataclass(value)]
    return [(name, value) for name in (*marked, *nested) if (value := getattr(settings, name)) is not None]


@functools.cache
def _marked(kind: type) -> tuple[str, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name, hint in hints.items() if INPUT in getattr(hint, "__metadata__", ()))


def below(path: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers whose names begin with a path, without it."""
    return {name.removeprefix(f"{path}."): x for name, x in numbers.items() if name.startswith(f"{path}.")}


def at(path: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers with a path before their names."""
    return {f"{path}.{name}": number for name, number in numbers.items()}
