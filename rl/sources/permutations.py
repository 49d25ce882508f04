"""An exact shuffle without a sort: XLA's sort on a CPU takes longer than the updates that it serves."""

import tensorflow as tf

from rl.randomness import integers

_ROUNDS = 6


def permutations(seed: tf.Tensor, *, count: int, size: int) -> tf.Tensor:
    """Pseudo-random permutations of 0 … size − 1.

    Each is a keyed bijection of the k-bit numbers, k = ⌈log2 size⌉: rounds of x ← (a x + b) mod 2^k with a odd, and
    x ← x ⊕ (x ≫ ⌈k/2⌉), every one of them invertible. A result outside 0 … size − 1 goes through again until it is
    inside ("cycle walking", Black & Rogaway 2002), which keeps the map a bijection.

    Args:
        seed: [2] int; a permutation of its own for each of the `count` rows follows from it.
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

    x = mix(tf.repeat(tf.range(size, dtype=tf.int64)[None], count, 0))
    if size < 1 << bits:
        (x,) = tf.while_loop(lambda x: tf.reduce_any(x >= size), lambda x: (tf.where(x >= size, mix(x), x),), (x,))
    return tf.cast(x, tf.int32)
