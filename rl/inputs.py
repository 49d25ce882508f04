"""Settings that are inputs of compiled programs, so that a sweep over them compiles one program.

A field declares it in its annotation:

    learning_rate: Annotated[PositiveNumber, INPUT]

Such a field also takes a schedule (`rl.schedules`) in place of a number.

A program may only compute with such a number. A setting that determines Python's control flow or a shape (a length, a
choice, whether a number is None) cannot be an input: a different value makes a different program.
"""

import copy
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, get_type_hints

INPUT = object()
"""Marks a field, within its `Annotated` type, as an input of compiled programs."""


def inputs_of(settings: Any) -> dict[str, float]:
    """The inputs of a settings object and of the settings objects within it.

    Returns: {path: number}, with paths like `learning_rate`, `coefficients.value` (a mapping's entry) or
        `bootstrap.eta` (a nested object's field). Fields that are None are omitted.
    """
    numbers = {}
    for name, value in _inputs_and_nested(settings):
        numbers |= _numbers_of(name, value)
    return numbers


def _numbers_of(name: str, value: Any) -> dict[str, float]:
    """The inputs in the value of a field, {path that begins with `name`: number}."""
    if dataclasses.is_dataclass(value):
        return at(name, inputs_of(value))
    if isinstance(value, Mapping):
        return at(name, {inner: x for key, one in value.items() for inner, x in _numbers_of(key, one).items()})
    return {name: value}


def with_inputs(settings: Any, numbers: Mapping[str, Any]) -> Any:
    """A copy of a settings object with all of its inputs replaced.

    Args:
        settings: the settings object; it is not changed.
        numbers: {path: number or [] float32 tensor}, for all paths of `inputs_of`. Their ranges are not checked.
    """
    return changed(
        settings, {name: _with_numbers(name, value, numbers) for name, value in _inputs_and_nested(settings)}
    )


def _with_numbers(name: str, value: Any, numbers: Mapping[str, Any]) -> Any:
    """The value of a field with its inputs replaced: a number, a mapping of numbers or a settings object."""
    if dataclasses.is_dataclass(value):
        return with_inputs(value, below(name, numbers))
    if isinstance(value, Mapping):
        return {key: _with_numbers(key, one, below(name, numbers)) for key, one in value.items()}
    return numbers[name]


def changed(settings: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a settings object with new values for some of its fields; the values are not checked."""
    other = copy.copy(settings)
    for name, value in values.items():
        object.__setattr__(other, name, value)  # a settings object is frozen
    return other


def _inputs_and_nested(settings: Any) -> list[tuple[str, Any]]:
    """(name, value) of the fields that are inputs, then of the nested settings objects; without those that are None."""
    marked = _marked(type(settings)) if dataclasses.is_dataclass(settings) else ()
    nested = [name for name, value in vars(settings).items() if dataclasses.is_dataclass(value)]
    return [(name, value) for name in (*marked, *nested) if (value := getattr(settings, name)) is not None]


@functools.cache
def _marked(kind: type) -> tuple[str, ...]:
    """The names of a class's fields that are marked as `INPUT`."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name, hint in hints.items() if INPUT in getattr(hint, "__metadata__", ()))


def below(path: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The entries whose paths begin with `path.`, with this prefix removed; the inverse of `at`."""
    return {name.removeprefix(f"{path}."): x for name, x in numbers.items() if name.startswith(f"{path}.")}


def at(path: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The entries with `path.` before their paths: {`eta`: 1} at `bootstrap` is {`bootstrap.eta`: 1}."""
    return {f"{path}.{name}": number for name, number in numbers.items()}
