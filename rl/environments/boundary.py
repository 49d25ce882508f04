"""What numbers may come in from an environment, and how one that may not is named."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

LARGEST = 1e30
"""The largest magnitude of an observation or a reward: 10⁸ of them can be added up in float32, which ends at 3.4e38."""


class Unsound(NamedTuple):
    """A number that no program may see: NaN, an infinity, or one beyond `LARGEST`.

    number: of the environment, among those stepped together; what: the field and the place in it.
    """

    number: int
    what: str
    value: float

    def __str__(self) -> str:
        return f"{self.what} is {self.value:g}; it must be finite, and at most {LARGEST:g} in magnitude"


def all_sound(array: np.ndarray) -> bool:
    """Whether every number is finite and at most `LARGEST` in magnitude."""
    return bool(np.abs(array).max(initial=0) <= LARGEST)  # false for NaN


def all_sound_within(*tensors: tf.Tensor) -> tf.Tensor:
    """`all_sound` of them all as a part of a program, [] bool."""
    return tf.reduce_all([tf.reduce_all(tf.abs(tensor) <= LARGEST) for tensor in tensors])


def first_unsound(**fields: np.ndarray) -> Unsound | None:
    """The first number that is not sound, by field and then by environment; each field is [N, ...]."""
    for name, array in fields.items():
        if all_sound(array):
            continue
        places = np.argwhere(~(np.abs(array) <= LARGEST))
        number, *inner = map(int, places[0])
        at = f"[{', '.join(map(str, inner))}]" if inner else ""
        return Unsound(number, f"the {name.replace('_', ' ')}{at}", float(array[tuple(places[0])]))
    return None


def place(name: str, *, number: int | None, step: int, elapsed: int | None) -> str:
    """The words for where something went wrong.

    Args:
        name: the environment's.
        number: among those stepped together; None where it is not known.
        step: of each environment, counted from 1 since it was first reset; 0 is a reset.
        elapsed: the same within its episode; None where it is not known.
    """
    which = "" if number is None else f", number {number}"
    if step == 0:
        return f"environment {name}{which}, in its reset"
    within = "" if elapsed is None else f" ({elapsed} of its episode)"
    return f"environment {name}{which}, step {step:,}{within}"
