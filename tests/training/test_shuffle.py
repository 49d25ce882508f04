"""The shuffle: exact permutations, from the seed alone, that favour no order and no place."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.training.shuffle import permutations

SEED = tf.constant([3, 4])


def assert_permutations(orders, size):
    np.testing.assert_array_equal(np.sort(orders, 1), np.tile(np.arange(size), (len(orders), 1)))


def assert_uniform(count):
    """χ² within five standard deviations √(2k) of its mean k, the degrees of freedom; the seed is fixed."""
    count = np.asarray(count, np.float64)
    expected, freedom = count.sum() / count.size, count.size - 1
    assert np.sum((count - expected) ** 2 / expected) < freedom + 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 31, 32, 33, 100, 1000, 2048, 4097])
def test_every_row_holds_every_number_once(size):
    """Around powers of two, where no number, one number, or nearly half of them walk the cycle again."""
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
    compiled = tf.function(lambda seed: permutations(seed, count=3, size=size), jit_compile=True)
    orders = compiled(SEED)
    assert_permutations(orders, size)
    np.testing.assert_array_equal(orders, permutations(SEED, count=3, size=size))


def test_the_seed_decides():
    one = permutations(SEED, count=2, size=100).numpy()
    np.testing.assert_array_equal(one, permutations(SEED, count=2, size=100))
    for other in (tf.constant([4, 3]), tf.constant([3, 5]), tf.constant([4, 4])):
        assert np.mean(one == permutations(other, count=2, size=100).numpy()) < 0.1  # 1/100 by chance


@pytest.mark.parametrize("size", [100, 128])
def test_rows_of_one_seed_differ_and_agree_only_by_chance(size):
    """Two random orders agree at one place on the average, with variance 1: the mean of 45 pairs, five standard errors."""
    orders = permutations(SEED, count=10, size=size).numpy()
    agreements = [np.sum(a == b) for a, b in itertools.combinations(orders, 2)]
    assert abs(np.mean(agreements) - 1) < 5 / np.sqrt(45)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_all_orders_of_a_few_are_equally_frequent(size):
    orders = permutations(SEED, count=24_000, size=size).numpy()
    numbers = orders @ size ** np.arange(size)
    of = {sum(x * size**i for i, x in enumerate(order)): 0 for order in itertools.permutations(range(size))}
    for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
        of[number] += count
    assert_uniform(list(of.values()))


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

    Hypergeometric variance 128·⅛·⅞·(896/1023) = 12.3; the mean over 800 minibatches' squares within five standard errors
    of it, √(2/800)·12.3 each, as for a normal law.
    """
    orders = permutations(SEED, count=100, size=1024).numpy().reshape(800, 128)
    variance = 128 / 8 * 7 / 8 * 896 / 1023
    spread = np.mean((np.sum(orders < 128, 1) - 16.0) ** 2)
    assert abs(spread - variance) < 5 * np.sqrt(2 / 800) * variance
