"""Numbers of a config that compiled programs take as inputs: a sweep over them compiles nothing anew.

A field says so beside its type:

    learning_rate: Annotated[PositiveNumber, INPUT]

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
        if dataclasses.is_dataclass(value):
            numbers |= at(name, inputs_of(value))
        elif isinstance(value, Mapping):
            numbers |= at(name, value)
        else:
            numbers[name] = value
    return numbers


def with_inputs(settings: Any, numbers: Mapping[str, Any]) -> Any:
    """A copy of a settings object with other numbers for all of its inputs, [] float32 tensors as well: unchecked."""
    changed = copy.copy(settings)
    for name, value in _relevant(settings):
        if dataclasses.is_dataclass(value):
            new = with_inputs(value, below(name, numbers))
        elif isinstance(value, Mapping):
            new = {key: numbers[f"{name}.{key}"] for key in value}
        else:
            new = numbers[name]
        object.__setattr__(changed, name, new)  # a settings object is frozen
    return changed


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
