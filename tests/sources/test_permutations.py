"""The shuffle: exact permutations, from the seed alone, that favour no order and no place."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.sources.permutations import permutations

SEED = tf.constant([3, 4])


def assert_permutations(orders, size):
    np.testing.assert_array_equal(np.sort(orders, 1), np.tile(np.arange(size), (len(orders), 1)))


def assert_law(count, law):
    """χ² within five standard deviations √(2k) of its mean k, the degrees of freedom; the seed is fixed."""
    count, freedom = np.asarray(count, np.float64), np.size(count) - 1
    expected = count.sum() * np.asarray(law)
    assert np.sum((count - expected) ** 2 / expected) < freedom + 5 * np.sqrt(2 * freedom)


def assert_uniform(count):
    assert_law(count, 1 / np.size(count))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 31, 32, 33, 100, 1000, 2048, 4097])
def test_every_row_holds_every_number_once(size):
    """Around powers of two, where no number, one number, or nearly half of them are left out."""
    orders = permutations(SEED, count=5, size=size)
    assert orders.shape == (5, size)
    assert orders.dtype == tf.int32
    assert_permutations(orders, size)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(1, 4), st.integers(1, 300))
def test_every_row_holds_every_number_once_for_awkward_seeds(first, second, count, size):
    assert_permutations(permutations(tf.constant([first, second]), count=count, size=size), size)


@pytest.mark.parametrize("size", [1, 2, 33, 256])
def test_compiled_equals_eager(size):
    compiled = tf.function(lambda seed: permutations(seed, count=3, size=size), jit_compile=True, autograph=False)
    orders = compiled(SEED)
    assert_permutations(orders, size)
    np.testing.assert_array_equal(orders, permutations(SEED, count=3, size=size))


def test_several_runs_compiled_together_have_their_own():
    seeds = tf.constant([[1, 2], [3, 4]])
    together = tf.function(
        lambda: tf.vectorized_map(lambda seed: permutations(seed, count=3, size=33), seeds),
        jit_compile=True,
        autograph=False,
    )()
    for orders, seed in zip(together, seeds, strict=True):
        np.testing.assert_array_equal(orders, permutations(seed, count=3, size=33))


def test_the_seed_decides():
    one = permutations(SEED, count=2, size=100).numpy()
    np.testing.assert_array_equal(one, permutations(SEED, count=2, size=100))
    for other in (tf.constant([4, 3]), tf.constant([3, 5]), tf.constant([4, 4])):
        assert np.mean(one == permutations(other, count=2, size=100).numpy()) < 0.1  # 1/100 by chance


@pytest.mark.parametrize("size", [100, 128])
def test_rows_of_one_seed_differ_and_agree_only_by_chance(size):
    """Two random orders agree at one place on the average, with variance 1: 45 pairs, five standard errors."""
    orders = permutations(SEED, count=10, size=size).numpy()
    agreements = [np.sum(a == b) for a, b in itertools.combinations(orders, 2)]
    assert abs(np.mean(agreements) - 1) < 5 / np.sqrt(45)


def law_by_enumeration(size, rounds=6):
    """The probability of every order where all keys are equally likely: every round's map times every other's."""
    bits = max(1, (size - 1).bit_length())
    n, shift = 1 << bits, (bits + 1) // 2
    maps = [[y ^ (y >> shift) for y in ((a * x + b) % n for x in range(n))] for a in range(1, n, 2) for b in range(n)]
    law = {tuple(range(n)): 1.0}
    for _ in range(rounds):
        longer = Counter()
        for order, p in law.items():
            for each in maps:
                longer[tuple(each[x] for x in order)] += p / len(maps)
        law = longer
    inside = Counter()
    for order, p in law.items():
        inside[tuple(x for x in order if x < size)] += p
    return inside


@pytest.mark.parametrize("size", [2, 3, 4])
def test_all_orders_of_a_few_are_as_frequent_as_the_keys_make_them(size):
    """The exact law gives every order a chance within 1/16 of 1/size!: 15/16 is the least, at size 4."""
    law = law_by_enumeration(size)
    assert set(law) == set(itertools.permutations(range(size)))
    assert all(abs(p * math.factorial(size) - 1) <= 1 / 16 for p in law.values())
    count = Counter(map(tuple, permutations(SEED, count=24_000, size=size).numpy().tolist()))
    assert_law([count[order] for order in law], list(law.values()))


@pytest.mark.parametrize("size", [8, 33, 100, 128])
def test_every_number_is_equally_often_at_every_place(size):
    orders = permutations(SEED, count=20_000, size=size).numpy()
    assert_uniform([np.bincount(place, minlength=size) for place in orders.T])


@pytest.mark.parametrize("size", [33, 100, 128])
def test_neighbours_are_not_tied(size):
    """The difference of the first two numbers, modulo the size, is anything but 0 equally often."""
    orders = permutations(SEED, count=20_000, size=size).numpy()
    assert_uniform(np.bincount((orders[:, 1] - orders[:, 0]) % size, minlength=size)[1:])


def test_minibatches_mix_samples_that_lie_close():
    """Of 1024 samples in 8 minibatches, the first 128 fall into one minibatch 16 at a time on the average.

    Hypergeometric variance 128·⅛·⅞·(896/1023) = 12.3; the mean of 800 minibatches' squares lies within five standard
    errors of it, √(2/800)·12.3 each, as for a normal law.
    """
    orders = permutations(SEED, count=100, size=1024).numpy().reshape(800, 128)
    variance = 128 / 8 * 7 / 8 * 896 / 1023
    spread = np.mean((np.sum(orders < 128, 1) - 16.0) ** 2)
    assert abs(spread - variance) < 5 * np.sqrt(2 / 800) * variance
