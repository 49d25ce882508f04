"""The axis of runs: S independent runs in one program, with or without a leading axis in their tensors.

`OneRun` has no such axis; `Runs` has one of length S. Code written for one run works for both through `Axis.each`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf


class Axis(Protocol):
    """Where the S runs of a program are in its tensors. A scalar is common to all runs, such as the iteration."""

    num_runs: int
    """S, ≥ 1."""
    shape: tuple[int, ...]
    """(S,), or () without an axis."""

    def each(self, function: Callable) -> Callable:
        """Turns a function of one run into a function of all runs.

        Args: function: from nests of one run's tensors to nests of one run's tensors.
        Returns: the same function on nests of tensors with a leading axis of runs; scalar arguments are passed on
            unchanged.
        """

    def stack(self, runs: Sequence[Any]) -> Any:
        """Stacks the nests of arrays or tensors of all runs, one nest per run, into one nest with the axis of runs."""

    def take(self, array: Any, run: int, *, axis: int = 0) -> Any:
        """One run's slice of an array.

        Args:
            array: an array or tensor; a scalar is common to all runs and returned unchanged.
            run: index of the run, from 0.
            axis: position of the axis of runs.
        """

    def merge(self, x: tf.Tensor, *, axis: int = 0) -> tf.Tensor:
        """Merges the axes of runs and environments, [S, N, ...] → [S·N, ...].

        Args: axis: position of the merged axis: with 1, [S, T, N, ...] → [T, S·N, ...].
        """

    def split(self, x: tf.Tensor, *, axis: int = 0) -> tf.Tensor:
        """The inverse of `merge`: [S·N, ...] → [S, N, ...]."""

    def spec(self, spec: tf.TensorSpec) -> tf.TensorSpec:
        """The TensorSpec of all runs together, from that of one run."""
