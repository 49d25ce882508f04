"""Errors in the values of settings, and their messages."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rl.errors import ConfigError

_LONGEST_VALUE = 60  # characters of a value in a message


class Fault(NamedTuple):
    """One invalid value."""

    field: str
    """The path of the field, `coefficients.value` or `widths[0]`."""
    says: str
    """The error, as a predicate of the field: `is -1; it must be a positive number`."""

    def below(self, inner: str) -> "Fault":
        """The same fault for the field `inner` within this one."""
        return self._replace(field=f"{self.field}.{inner}")


class SettingError(ConfigError):
    """Invalid values of settings; the message has one sentence per field.

    `learning_rate is -1; it must be a positive number. momentun is unknown; did you mean momentum.`

    Attributes: faults: all of them, in the order of the message.
    """

    def __init__(self, faults: Sequence[Fault]):
        """Args: faults: at least one, in the order of the message."""
        self.faults = tuple(faults)
        super().__init__(" ".join(f"{field} {says}." for field, says in self.faults))

    def __reduce__(self):
        return SettingError, (self.faults,)

    def within(self, path: str) -> "SettingError":
        """The same error with a config path in front of every field, `optimizer.learning_rate`."""
        return SettingError([Fault(f"{path}.{field}", says) for field, says in self.faults])


def shown(value: Any) -> str:
    """A value for a message, in at most 60 characters: `null`, `true` or `false` as in YAML, else its `repr`."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else _repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _repr(value: Any) -> str:
    """`repr`, with a fallback for integers that are too long for Python to print."""
    try:
        return repr(value)
    except ValueError:  # an integer with more digits than Python writes out
        return "a number with thousands of digits"
