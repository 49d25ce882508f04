"""The ring of trajectory rows: what it holds, what is drawn, and that nothing crosses the seam."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.sources import ring

N = 3


def rows(first, count):
    """Rows `first` … in which every number says its row and environment: 100 k + e; and frames that do so too."""
    number = 100 * np.arange(first, first + count)[:, None] + np.arange(N)
    return {"number": tf.constant(number, tf.float32), "frame": tf.constant(number[..., None] % 251, tf.uint8)}


SPEC = {"number": tf.TensorSpec((N,), tf.float32), "frame": tf.TensorSpec((N, 1), tf.uint8)}


def filled(num_rows, pieces):
    """The ring after writing pieces with these numbers of rows, and the total number of rows written."""
    held, written = ring.empty(SPEC, num_rows), 0
    for piece in pieces:
        held = ring.write(held, rows(written, piece), tf.constant(written, tf.int64))
        written += piece
    return held, written


@settings(max_examples=40, deadline=None, derandomize=True)
@given(num_rows=st.integers(4, 9), pieces=st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_it_holds_the_newest_rows_each_in_its_place(num_rows, pieces):
    held, written = filled(num_rows, pieces)
    expected = np.zeros((num_rows, N))
    for row in range(max(0, written - num_rows), written):
        expected[row % num_rows] = 100 * row + np.arange(N)
    np.testing.assert_array_equal(held["number"], expected)
    np.testing.assert_array_equal(held["frame"][..., 0], expected % 251)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(num_rows=st.integers(4, 9), pieces=st.lists(st.integers(2, 4), min_size=2, max_size=8), length=st.integers(1, 4))
def test_windows_hold_consecutive_rows_of_one_environment(num_rows, pieces, length):
    held, written = filled(num_rows, pieces)
    drawn = ring.starts(
        tf.constant([1, 2]), tf.constant(written, tf.int64), num_rows=num_rows, num_envs=N, count=64, length=length
    )
    number = ring.windows(held, drawn, length=length)["number"].numpy()
    assert number.shape == (64, length)
    np.testing.assert_array_equal(np.diff(number, axis=1), np.full((64, length - 1), 100))
    assert number.min() >= 100 * max(0, written - num_rows)
    assert number.max() <= 100 * (written - 1) + N - 1


@pytest.mark.parametrize(("written", "length"), [(5, 1), (5, 2), (8, 3), (11, 3)])
def test_every_window_is_equally_likely(written, length):
    """χ² within five standard deviations of its mean; the seed is fixed."""
    num_rows, count = 8, 30_000
    held, _ = filled(num_rows, [1] * written)
    drawn = ring.starts(
        tf.constant([5, 6]), tf.constant(written, tf.int64), num_rows=num_rows, num_envs=N, count=count, length=length
    )
    number = ring.windows(held, drawn, length=length)["number"].numpy()[:, 0]
    oldest = max(0, written - num_rows)
    possible = {100 * row + e for row in range(oldest, written - length + 1) for e in range(N)}
    found, counts = np.unique(number, return_counts=True)
    assert set(found) == possible
    expected = count / len(possible)
    freedom = len(possible) - 1
    assert np.sum((counts - expected) ** 2 / expected) < freedom + 5 * np.sqrt(2 * freedom)


def test_two_runs_write_and_read_apart():
    """With an axis of runs: each run's ring is what it would be alone."""
    num_rows, runs = 5, (2,)
    alone = [ring.empty(SPEC, num_rows) for _ in range(2)]
    together = tf.nest.map_structure(lambda *x: tf.stack(x), *alone)
    for written in range(0, 8, 2):
        new = [tf.nest.map_structure(lambda x, k=k: x + tf.cast(7 * k, x.dtype), rows(written, 2)) for k in range(2)]
        alone = [ring.write(one, more, tf.constant(written, tf.int64)) for one, more in zip(alone, new, strict=True)]
        both = tf.nest.map_structure(lambda *x: tf.stack(x), *new)
        together = ring.write(together, both, tf.constant(written, tf.int64), runs)
    places = tf.constant([[[1, 0], [4, 2]], [[2, 1], [0, 0]]])
    found = ring.windows(together, places, length=2, runs=runs)
    for k in range(2):
        for name in SPEC:
            np.testing.assert_array_equal(together[name][k], alone[k][name])
            np.testing.assert_array_equal(found[name][k], ring.windows(alone[k], places[k], length=2)[name])


@pytest.mark.parametrize("runs", [(), (2,)])
def test_a_compiled_loop_of_writes_and_reads_is_the_eager_one(runs):
    def loop(count):
        held = ring.empty(tf.nest.map_structure(lambda x: tf.TensorSpec((*x.shape,), x.dtype), SPEC), 6)
        held = tf.nest.map_structure(lambda x: tf.broadcast_to(x, (*runs, *x.shape)), held)

        def body(written, held, total):
            new = tf.nest.map_structure(
                lambda x: tf.broadcast_to(x + tf.cast(written, x.dtype), (*runs, *x.shape)), rows(0, 1)
            )
            held = ring.write(held, new, written, runs)
            places = ring.starts(tf.stack([written, 3]), written + 1, num_rows=6, num_envs=N, count=4, length=1)
            places = tf.broadcast_to(places, (*runs, *places.shape))
            seen = ring.windows(held, places, length=1, runs=runs)["number"]
            return written + 1, held, total + tf.reduce_sum(seen)

        return tf.while_loop(
            lambda written, *_: written < count, body, (tf.constant(0, tf.int64), held, tf.constant(0.0))
        )

    compiled = tf.function(loop, jit_compile=True, autograph=False)(tf.constant(9, tf.int64))
    eager = loop(tf.constant(9, tf.int64))
    for one, other in zip(tf.nest.flatten(compiled), tf.nest.flatten(eager), strict=True):
        np.testing.assert_array_equal(one, other)


def test_starts_that_are_stacked_in_a_graph_keep_the_windows_axis():
    """In a plain graph, whose optimizer simplifies a slice of a stack: windows of one row stay [B, 1, ...]."""
    held, _ = filled(4, [4])

    @tf.function(autograph=False)
    def read(places):
        return ring.windows(held, tf.stack([places // N, places % N], -1), length=1)

    found = read(tf.constant([0, 4, 11]))
    np.testing.assert_array_equal(found["number"], [[0.0], [101.0], [302.0]])
    assert found["frame"].shape == (3, 1, 1)
