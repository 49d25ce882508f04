"""Seeds: a run has one, and all of its random numbers derive from it by stateless folding.

No generator keeps state, so a resumed run draws the same numbers as an uninterrupted one.
"""

from enum import IntEnum

import tensorflow as tf

from rl import randomness


class Purpose(IntEnum):
    """The purpose of a random number, folded into the run's seed so that two purposes never share numbers.

    The values determine the results of a seed: never change them.
    """

    ENVIRONMENT = 0
    """Resets and steps of the training environments."""
    ACTION = 1
    """Noise of the policy in training."""
    SHUFFLE = 2
    """Order of the samples in a phase's rounds."""
    COMBINER = 3
    """Random numbers of a combiner."""
    EVALUATION = 4
    """Evaluation and videos."""
    SETTLE = 5
    """Random numbers of a minibatch (`Phase.settle`)."""
    REPLAY = 6
    """Which steps are drawn from memory."""
    PRIORITY = 7
    """Random numbers of the errors that set priorities."""


def run_seed(seed: int) -> tf.Tensor:
    """The seed of a whole run as a tensor.

    Args: seed: the configured seed, from 0 to 2^64 − 1.
    Returns: [2] uint32, the low word first.
    """
    return tf.constant([seed & 0xFFFFFFFF, seed >> 32], tf.uint32)


def fold(seed: tf.Tensor, *data: int | tf.Tensor) -> tf.Tensor:
    """Derives a seed, a different one for every sequence of numbers of one length.

    Args: seed: [2] uint32; data: integers or [] int tensors: purpose, iteration, …, padded with 0 to an even length.
    Returns: [2] uint32.
    """
    data = [tf.cast(number, tf.int32) for number in data]
    for place in range(0, len(data), 2):
        seed = randomness.fold(seed, *data[place : place + 2])
    return seed
