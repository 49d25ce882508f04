"""Numbers with two levels of block sums above them, from which one is drawn in proportion to its size.

M numbers are b blocks of b blocks of b numbers, b³ ≥ M. A draw goes down three levels, each a prefix sum of b numbers:
its cost grows with the cube root of M. Changed blocks are summed anew, so that rounding errors do not add up.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

from rl.sources.ring import replaced_in_place


class Sums(NamedTuple):
    """Of one run, or of S runs with an axis of runs in front."""

    numbers: tf.Tensor
    """[b, b, b] float ≥ 0; those beyond M are 0."""
    blocks: tf.Tensor
    """[b, b], their sums over the last axis."""
    totals: tf.Tensor
    """[b], the sums of those over the last axis."""


def empty(size: int) -> Sums:
    """M = `size` zeros."""
    edge = max(2, round(size ** (1 / 3)))
    edge += edge**3 < size
    return Sums(tf.zeros((edge, edge, edge)), tf.zeros((edge, edge)), tf.zeros((edge,)))


def at(sums: Sums, leaves: tf.Tensor, runs: tuple[int, ...] = ()) -> tf.Tensor:
    """The numbers at `leaves` [..., B] int32, [..., B]."""
    return tf.gather(tf.reshape(sums.numbers, (-1,)), _flat(leaves, sums.numbers, runs))


def replaced(
    sums: Sums, leaves: tf.Tensor, numbers: tf.Tensor, runs: tuple[int, ...] = (), *, in_place: bool = False
) -> Sums:
    """Replaces numbers; where a leaf occurs twice, one of its numbers is taken for both levels.

    Args:
        leaves: [B] int32, common to all runs, or [S, B].
        numbers: [B] or [S, B].
        runs: (S,) if there is an axis of runs.
        in_place: see `ring.write`.
    """
    edge = sums.totals.shape[-1]
    leaves = tf.broadcast_to(leaves, numbers.shape)
    put = functools.partial(_put, runs=runs, in_place=in_place)
    changed = put(sums.numbers, leaves, numbers)
    blocks = put(sums.blocks, leaves // edge, _block_sums(changed, leaves // edge, runs))
    above = leaves // edge**2
    return Sums(changed, blocks, put(sums.totals, above, _block_sums(blocks, above, runs)))


def found(sums: Sums, uniform: tf.Tensor, runs: tuple[int, ...] = ()) -> tuple[tf.Tensor, tf.Tensor]:
    """The leaves that uniform numbers select, each in proportion to its number, and their numbers.

    Leaf i is selected if Σ_{k<i} p_k ≤ u Σ_k p_k < Σ_{k≤i} p_k, up to rounding; one whose number is 0 never is, unless
    all are 0.

    Args: uniform: u in [0, 1), [B] or [S, B].
    Returns: int32 leaves and float numbers, of the shape of `uniform`.
    """
    edge = sums.totals.shape[-1]
    prefix = tf.linalg.band_part(tf.ones((edge, edge)), 0, -1)
    row = tf.broadcast_to(sums.totals[..., None, :], (*uniform.shape, edge))
    rest, leaf = uniform * tf.reduce_sum(row, -1), tf.zeros_like(uniform, tf.int32)
    for below in (sums.blocks, sums.numbers, None):
        place, rest = _chosen(row @ prefix, rest)
        leaf = leaf * edge + place
        if below is not None:
            row = tf.gather(tf.reshape(below, (-1, edge)), _block(leaf, below, runs))
    return leaf, tf.gather(row, leaf % edge, batch_dims=len(uniform.shape))


def _chosen(prefix_sums: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The first place whose prefix sum [..., b] exceeds the target [...], and the target within that place.

    Rounding may bring the target up to the whole sum; just below it, the place still has a positive number.
    """
    edge = prefix_sums.shape[-1]
    target = tf.minimum(target, prefix_sums[..., -1] * (1.0 - 2.0**-22))
    place = tf.reduce_sum(tf.cast(prefix_sums <= target[..., None], tf.int32), -1)
    place = tf.minimum(place, edge - 1)
    before = tf.gather(prefix_sums, tf.maximum(place - 1, 0), batch_dims=len(target.shape))
    return place, tf.maximum(target - tf.where(place > 0, before, 0.0), 0.0)


def _block_sums(numbers: tf.Tensor, blocks: tf.Tensor, runs: tuple[int, ...]) -> tf.Tensor:
    """The sums of blocks [..., B] of numbers [..., b]."""
    return tf.reduce_sum(tf.gather(tf.reshape(numbers, (-1, numbers.shape[-1])), _block(blocks, numbers, runs)), -1)


def _put(numbers: tf.Tensor, leaves: tf.Tensor, new: tf.Tensor, runs: tuple[int, ...], *, in_place: bool) -> tf.Tensor:
    """The numbers with those at leaves [..., B] replaced: one scatter for all runs."""
    flat, places, new = (tf.reshape(x, (-1,)) for x in (numbers, _flat(leaves, numbers, runs), new))
    if in_place:  # the reshaped numbers are the same memory
        return tf.reshape(replaced_in_place(flat, places, new), numbers.shape)
    return tf.reshape(tf.tensor_scatter_nd_update(flat, places[:, None], new), numbers.shape)


def _flat(leaves: tf.Tensor, numbers: tf.Tensor, runs: tuple[int, ...]) -> tf.Tensor:
    """The places of leaves in the flat numbers of all runs."""
    return leaves + _first(numbers.shape.num_elements(), runs)


def _block(blocks: tf.Tensor, numbers: tf.Tensor, runs: tuple[int, ...]) -> tf.Tensor:
    """The places of blocks in the flat list of the blocks of all runs."""
    return blocks + _first(numbers.shape.num_elements() // numbers.shape[-1], runs)


def _first(count: int, runs: tuple[int, ...]) -> tf.Tensor | int:
    """Where each run begins, [S, 1], in a flat list of `count` entries of all runs; 0 for one run."""
    return tf.range(*runs)[:, None] * (count // runs[0]) if runs else 0
