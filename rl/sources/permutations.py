"""An exact shuffle without a sort: on a CPU, XLA's sort takes longer than the updates that need the shuffle."""

import tensorflow as tf

from rl.randomness import integers

_ROUNDS = 6


def permutations(seed: tf.Tensor, *, count: int, size: int) -> tf.Tensor:
    """Pseudo-random permutations of 0 … size − 1.

    Each is a keyed bijection of the k-bit numbers, k = ⌈log2 size⌉: six rounds of x ← (a x + b) mod 2^k with odd a,
    and x ← x ⊕ (x ≫ ⌈k/2⌉), both invertible. It maps 0 … 2^k − 1 to a sequence from which the numbers below `size` are
    kept, in order. No loop depends on the data, so XLA can also compile the function batched over runs.

    Args:
        seed: [2] int; it determines a different permutation for each row.
        count: number of permutations.
        size: length of each permutation, ≥ 1.
    Returns: [count, size] int32; every row holds every number once.
    """
    bits = max(1, (size - 1).bit_length())
    mask, shift = (1 << bits) - 1, (bits + 1) // 2
    keys = integers(seed, (2, _ROUNDS, count, 1), bits=bits)
    factors, offsets = 2 * keys[0] + 1, keys[1]

    def mix(x):
        for turn in range(_ROUNDS):
            x = tf.bitwise.bitwise_and(factors[turn] * x + offsets[turn], mask)
            x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(shift, tf.int64)))
        return x

    x = mix(tf.repeat(tf.range(1 << bits, dtype=tf.int64)[None], count, 0))
    x = tf.cast(x, tf.int32)
    return x if size == 1 << bits else _below(size, x)


def _below(size: int, x: tf.Tensor) -> tf.Tensor:
    """The entries of each row of x [count, n] that are below `size`, in their order, [count, size]."""
    (count, _), kept = x.shape, x < size
    place = tf.where(kept, tf.cumsum(tf.cast(kept, tf.int32), -1) - 1, size)  # place `size` is for all others
    place += (size + 1) * tf.range(count)[:, None]
    found = tf.math.unsorted_segment_sum(tf.reshape(x, (-1,)), tf.reshape(place, (-1,)), count * (size + 1))
    return tf.reshape(found, (count, size + 1))[:, :size]
