"""The check of numbers that come from an environment: finite and at most 1e30 in magnitude, or named in an error.

A number that passes is called sound.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

LARGEST = 1e30
"""The largest magnitude of an observation or a reward: 10⁸ of them can be added up in float32, which ends at 3.4e38."""


class Unsound(NamedTuple):
    """A number that must not enter a program: NaN, infinite, or beyond `LARGEST` in magnitude."""

    number: int
    """Which of the environments that are stepped together, from 0."""
    what: str
    """The field and the index in it, `the final observation[2]`."""
    value: float
    """The number itself."""

    def __str__(self) -> str:
        """The sentence for an error message."""
        return f"{self.what} is {self.value:g}; it must be finite, and at most {LARGEST:g} in magnitude"


def all_sound(array: np.ndarray) -> bool:
    """Whether every number of an array is finite and at most `LARGEST` in magnitude; true for an empty one."""
    return bool(np.abs(array).max(initial=0) <= LARGEST)  # false for NaN


def all_sound_within(*tensors: tf.Tensor) -> tf.Tensor:
    """`all_sound` for all numbers of some tensors, as operations of a program, [] bool."""
    return tf.reduce_all([tf.reduce_all(tf.abs(tensor) <= LARGEST) for tensor in tensors])


def first_unsound(**fields: np.ndarray) -> Unsound | None:
    """The first number that is not sound, in the order of the fields and then of the environments.

    Args: fields: {name: [N, ...] array}, N the number of environments; underscores in a name become spaces.
    Returns: None where all numbers are sound.
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
        number: which of the environments that are stepped together; None where it is not known.
        step: the step since the first reset, from 1; 0 is a reset.
        elapsed: the step within its episode, from 1; None where it is not known.
    """
    which = "" if number is None else f", number {number}"
    if step == 0:
        return f"environment {name}{which}, in its reset"
    within = "" if elapsed is None else f" ({elapsed} of its episode)"
    return f"environment {name}{which}, step {step:,}{within}"
