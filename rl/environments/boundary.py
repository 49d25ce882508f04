"""Checks the values that an environment returns: each must be finite and at most 1e30 in magnitude.

A value that passes is called sound; the first one that does not is named in the error message.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

LARGEST = 1e30
"""The largest magnitude of an observation or a reward; a sum of 10⁸ of them stays in float32's range (3.4e38)."""


class Unsound(NamedTuple):
    """A value that must not enter a program: NaN, infinite, or above `LARGEST` in magnitude."""

    number: int
    """Index of the environment among those stepped together, from 0."""
    what: str
    """The field and the index within it, e.g. `the final observation[2]`."""
    value: float
    """The value itself."""

    def __str__(self) -> str:
        """The sentence for an error message."""
        return f"{self.what} is {self.value:g}; it must be finite, and at most {LARGEST:g} in magnitude"


def all_sound(array: np.ndarray) -> bool:
    """Whether every entry of an array is finite and at most `LARGEST` in magnitude; True for an empty array."""
    return bool(np.abs(array).max(initial=0) <= LARGEST)  # false for NaN


def all_sound_within(*tensors: tf.Tensor) -> tf.Tensor:
    """`all_sound` for all entries of several tensors, as TensorFlow operations; [] bool."""
    return tf.reduce_all([tf.reduce_all(tf.abs(tensor) <= LARGEST) for tensor in tensors])


def first_unsound(**fields: np.ndarray) -> Unsound | None:
    """The first unsound value, ordered by field and then by environment.

    Args: fields: {name: [N, ...] array}, N the number of environments; underscores in a name become spaces.
    Returns: None if all values are sound.
    """
    for name, array in fields.items():
        if all_sound(array):
            continue
        places = np.argwhere(~(np.abs(array) <= LARGEST))
        number, *inner = map(int, places[0])
        at = f"[{', '.join(map(str, inner))}]" if inner else ""
        return Unsound(number, f"the {name.replace('_', ' ')}{at}", float(array[tuple(places[0])]))
    return None


def place(name: str, *, number: int | None, step: int, elapsed: int | None) -> str:
    """Describes where an environment failed: `environment 'CartPole-v1', number 3, step 1,024 (17 of its episode)`.

    Args:
        name: the environment's name.
        number: index of the environment among those stepped together, from 0; None if unknown.
        step: the step since the first reset, from 1; 0 denotes a reset.
        elapsed: the step within its episode, from 1; None if unknown.
    """
    which = "" if number is None else f", number {number}"
    if step == 0:
        return f"environment {name}{which}, in its reset"
    within = "" if elapsed is None else f" ({elapsed} of its episode)"
    return f"environment {name}{which}, step {step:,}{within}"
