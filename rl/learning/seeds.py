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
    SETTLE = 5


def run_seed(seed: int) -> tf.Tensor:
    """The seed of a whole run, [2] uint32; seed: from 0 to 2^64 − 1."""
    return tf.constant([seed & 0xFFFFFFFF, seed >> 32], tf.uint32)


def fold(seed: tf.Tensor, *data: int | tf.Tensor) -> tf.Tensor:
    """A seed of its own for every combination of `data` (purpose, iteration, …), [2] uint32."""
    data = [tf.cast(number, tf.int32) for number in data]
    for place in range(0, len(data), 2):
        seed = randomness.fold(seed, *data[place : place + 2])
    return seed
