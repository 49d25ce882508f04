"""The axis of runs: batching, merging and taking apart are inverse to one another; one run is the identity."""

import numpy as np
import pytest
import tensorflow as tf

from rl.learning.many_runs import Runs
from rl.learning.one_run import OneRun

X = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_merged_environments_are_split_again(axis):
    merged = Runs(2).merge(tf.constant(X), axis=axis)
    np.testing.assert_array_equal(Runs(2).split(merged, axis=axis), X)


def test_merging_by_hand():
    """[S, N, ...] → [S·N, ...], run after run; with time in front of the environments [S, T, N] → [T, S·N]."""
    np.testing.assert_array_equal(Runs(2).merge(tf.constant([[1, 2], [3, 4]])), [1, 2, 3, 4])
    times = tf.constant([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    np.testing.assert_array_equal(Runs(2).merge(times, axis=1), [[1, 2, 5, 6], [3, 4, 7, 8]])


def test_each_run_is_what_the_function_makes_of_it_and_scalars_are_common():
    seen = []

    def function(x, nest, number):
        seen.append(number.shape.rank)
        return tf.reduce_sum(x) * number, {"y": nest["y"] + number, "z": ()}

    total, nest = Runs(2).each(function)(tf.constant(X), {"y": tf.constant([1.0, 2.0]), "z": ()}, tf.constant(10.0))
    assert set(seen) == {0}
    np.testing.assert_allclose(total, 10 * X.sum((1, 2, 3)))
    np.testing.assert_array_equal(nest["y"], [11.0, 12.0])


def test_runs_are_stacked_and_taken():
    runs = [{"w": np.ones(3) * k, "n": np.array(k)} for k in (1, 2)]
    stacked = Runs(2).stack(runs)
    np.testing.assert_array_equal(stacked["w"], [[1, 1, 1], [2, 2, 2]])
    assert Runs(2).stack([np.uint32(1), np.uint32(2)]).dtype == np.uint32
    np.testing.assert_array_equal(Runs(2).take(stacked["w"], 1), [2, 2, 2])
    np.testing.assert_array_equal(Runs(2).take(stacked["n"], 1), 2)
    np.testing.assert_array_equal(Runs(2).take(X.swapaxes(0, 1), 1, axis=1), X[1])
    assert Runs(2).take(np.array(7), 1) == 7
    assert Runs(2).spec(tf.TensorSpec((3,), tf.bool)) == tf.TensorSpec((2, 3), tf.bool)


def test_one_run_is_the_identity():
    one = OneRun()
    for same in (one.merge(X), one.split(X, axis=1), one.take(X, 0), one.stack([X]), one.each(lambda x: x)(X)):
        assert same is X
    assert one.spec("spec") == "spec"
