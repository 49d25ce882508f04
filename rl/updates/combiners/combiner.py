"""The interface of combiners."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import tensorflow as tf

from rl.settings import settings

State = Any
"""A nest of tensors; () for a stateless combiner."""


@settings
class Combiner:
    """A rule that maps the Gramian of k rows to one weight per row: the shared weights' gradient is Σ_g w_g row_g.

    A combiner sees only numbers: no tape, no agent, no variable. It computes in float64 and is a pure function of its
    arguments, with the same result inside and outside an XLA program. Rows are gradients of losses to minimise,
    coefficients included. Zero rows, duplicate rows and a zero Gramian have a defined, finite result.
    """

    scope: Literal["global", "layer"]
    """`global`: one weight per row, from Σ_l G_l; `layer`: one per row and layer, from each layer's own G_l."""

    is_sum: ClassVar[bool] = False
    """Whether all weights are 1, so that one backward pass through the total loss gives the same step."""

    def init(self, num_rows: int) -> State:
        """The state before the first update.

        Args: num_rows: k.
        Raises: ConfigError if the combiner's settings do not fit k rows.
        """
        return ()

    def is_random(self, num_rows: int) -> bool:
        """Whether the weights of k rows depend on the seed."""
        return False

    def check(self, rows: Sequence[str], groups: Sequence[str]) -> None:
        """Raises ConfigError if a setting names a group that has no row.

        Args: rows: the groups with a row on the shared weights, in order; groups: all groups of the update.
        """

    def weights(self, gramian: tf.Tensor, losses: tf.Tensor, state: State, seed: tf.Tensor) -> tuple[tf.Tensor, State]:
        """The weights of the rows, and the state for the next update.

        Args:
            gramian: G, [k, k] float, positive semi-definite.
            losses: [k] float, the losses whose gradients the rows are; most combiners ignore them.
            state: as returned by `init` or the previous call.
            seed: [2] int, a new one for every update, for combiners that draw random numbers.
        Returns: (w [k] float64, next state).
        """
        raise NotImplementedError
