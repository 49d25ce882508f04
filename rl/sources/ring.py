"""A ring of trajectory rows within the graph: written in place, read in windows that cross no seam.

A row is one step of N environments. Row number k, counted from the start of training, is at place k mod R, so that the
ring holds the newest R rows. The number of rows written is common to all runs of a program, and no part of the ring.
As a loop variable of an XLA program the ring is updated in place; a selection between two rings would copy it, and so
would a write that is not known to come after all reading. TensorFlow's own loops copy what they scatter into: there the
ring is changed `in_place`, by the caller's leave.
"""

from typing import Any

import tensorflow as tf

from rl.randomness import integers


def empty(row: Any, num_rows: int) -> Any:
    """A ring of zeros.

    Args: row: a nest of TensorSpecs [N, ...] of one row; num_rows: R, ≥ 1.
    Returns: a nest of tensors [R, N, ...].
    """
    return tf.nest.map_structure(lambda spec: tf.zeros((num_rows, *spec.shape), spec.dtype), row)


def write(ring: Any, rows: Any, written: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False) -> Any:
    """Writes T rows over the oldest ones.

    Args:
        ring: a nest of [R, N, ...], or [S, R, N, ...].
        rows: a nest of [T, N, ...], or [S, T, N, ...], with T ≤ R.
        written: rows written before, [] int64.
        runs: (S,) if there is a leading axis of S runs.
        in_place: whether the ring's own tensors are changed, for graphs outside of XLA; without an axis of runs. All
            that reads them must come before or depend on what is returned.
    Returns: the ring after it.
    """
    axis, first = len(runs), tf.nest.flatten(ring)[0]
    num_rows, length = first.shape[axis], tf.nest.flatten(rows)[0].shape[axis]
    places = tf.cast((written + tf.range(length, dtype=tf.int64)) % num_rows, tf.int32)
    if in_place:
        return tf.nest.map_structure(lambda old, new: replaced_in_place(old, places, new), ring, rows)
    # One scatter for all runs: XLA does not compile the one that TensorFlow makes of a scatter batched over runs.
    at = tf.stack(tf.meshgrid(tf.range(*runs), places, indexing="ij"), -1) if runs else places[:, None]
    return tf.nest.map_structure(lambda old, new: tf.tensor_scatter_nd_update(old, at, new), ring, rows)


def replaced_in_place(array: tf.Tensor, places: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    """The array [R, ...] itself, with its entries at `places` [K] replaced by those of `new` [K, ...]."""
    return tf.raw_ops.InplaceUpdate(x=array, i=places, v=new)


def starts(
    seed: tf.Tensor,
    written: tf.Tensor,
    begun: tf.Tensor | int = 0,
    *,
    num_rows: int,
    num_envs: int,
    count: int,
    length: int,
) -> tf.Tensor:
    """Draws where windows begin, uniformly among all windows of `length` rows that the ring holds.

    No window reaches over the seam between the newest and the oldest row.

    Args:
        seed: [2] int.
        written: rows written so far, [] int64, at least `length`.
        begun: the first row that is there, [] int64; above 0 where earlier ones were lost.
        num_rows, num_envs: R and N.
        count: number of windows, B, drawn independently.
        length: rows of a window, 1 ≤ length ≤ R.
    Returns: [B, 2] int32: the place of the first row, from 0 to R − 1, and the environment.
    """
    oldest = tf.maximum(written - num_rows, begun)
    possible = tf.maximum(written - oldest - (length - 1), 1)
    # 32 random bits modulo the count: with 10⁶ rows no window is favoured by more than 1 part in 4,000.
    drawn = integers(seed, (count, 2), bits=32)
    row = (oldest + drawn[:, 0] % possible) % num_rows
    return tf.cast(tf.stack([row, drawn[:, 1] % num_envs], -1), tf.int32)


def windows(ring: Any, starts: tf.Tensor, *, length: int, runs: tuple[int, ...] = ()) -> Any:
    """Reads windows of consecutive rows of single environments.

    Args:
        ring: a nest of [R, N, ...], or [S, R, N, ...].
        starts: [B, 2] or [S, B, 2] int32, as returned by `starts`.
        length: rows of a window, W.
        runs: (S,) if there is a leading axis of S runs.
    Returns: a nest of [B, W, ...], or [S, B, W, ...].
    """
    axis = len(runs)
    num_rows, num_envs = tf.nest.flatten(ring)[0].shape[axis : axis + 2]
    # No new axis within a slice: of a stack, TensorFlow's graph optimizer takes the element and forgets the axis.
    first, environment = (tf.expand_dims(x, -1) for x in tf.unstack(starts, axis=-1))
    place = (first + tf.range(length)) % num_rows * num_envs + environment
    if runs:
        place += tf.reshape(tf.range(*runs) * (num_rows * num_envs), (-1, 1, 1))
    return tf.nest.map_structure(
        lambda x: tf.gather(tf.reshape(x, (-1, *x.shape[axis + 2 :])), place),  # the reshape copies nothing
        ring,
    )
