"""One seed a run; everything random derives from it by stateless folding."""

from enum import IntEnum

import tensorflow as tf

from rl import randomness


class Purpose(IntEnum):
    """What a random number is for. The values are part of the meaning of a seed: never reorder them."""

    ENVIRONMENT = 0
    ACTION = 1
    SHUFFLE = 2
    COMBINER = 3
    EVALUATION = 4


def run_seed(seed: int) -> tf.Tensor:
    """The seed of a whole run, [2] int32."""
    return tf.constant([seed & 0x7FFFFFFF, seed >> 31], tf.int32)


def fold(seed: tf.Tensor, *data: int | tf.Tensor) -> tf.Tensor:
    """A seed of its own for every combination of `data` (purpose, iteration, …), [2] int32."""
    for number in data:
        seed = randomness.fold(seed, tf.cast(number, tf.int32))
    return seed
