"""The axis of runs: what batches independent runs that train in one program, or leaves a single one as it is."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf


class Axis(Protocol):
    """The place of S runs in the tensors of a program. A scalar is common to all runs: a counter, a round's number."""

    num_runs: int
    shape: tuple[int, ...]
    """(S,), or () without an axis."""

    def each(self, function: Callable) -> Callable:
        """A function of one run as a function of all of them.

        Its arguments and results are nests of tensors with an axis of runs in front; scalars are handed on as they are.
        """

    def stack(self, runs: Sequence[Any]) -> Any:
        """The arrays (or tensors) of all runs as one."""

    def take(self, array: Any, run: int, *, axis: int = 0) -> Any:
        """One run's share of an array whose axis of runs is `axis`; the array itself where it is a scalar."""

    def merge(self, x: tf.Tensor, *, axis: int = 0) -> tf.Tensor:
        """The environments of all runs in one axis, [S, N, ...] → [S·N, ...].

        Args:
            axis: the place of the merged axis: with 1, [S, T, N, ...] → [T, S·N, ...].
        """

    def split(self, x: tf.Tensor, *, axis: int = 0) -> tf.Tensor:
        """The inverse of `merge`."""

    def spec(self, spec: tf.TensorSpec) -> tf.TensorSpec:
        """The spec of all runs' tensors, from that of one run's."""
