"""The interface of combiners."""

from typing import Any, ClassVar, Literal

import tensorflow as tf

from rl.settings import settings

State = Any
"""A nest of tensors; () where a combiner is stateless."""


@settings
class Combiner:
    """A rule that turns the Gramian of k rows into one weight a row: the shared weights' gradient is Σ_g w_g row_g.

    A combiner sees numbers only: no tape, no agent, no variable. It computes in float64 and is a pure function of its
    arguments, with the same result inside and outside an XLA program. Rows are gradients of losses to minimise,
    coefficients included. Zero rows, duplicate rows and a zero Gramian have a defined, finite result.
    """

    scope: Literal["global", "layer"]
    """`global`: one vector of weights from Σ_l G_l; `layer`: one for each layer, from its own G_l."""

    is_sum: ClassVar[bool] = False
    """Whether the weights are 1 for all rows, so that one backward pass through the total loss gives the same step."""

    def init(self, num_rows: int) -> State:
        """The state before the first update.

        Args: num_rows: k.
        Raises: ConfigError where the combiner's settings do not fit k rows.
        """
        return ()

    def weights(self, gramian: tf.Tensor, losses: tf.Tensor, state: State, seed: tf.Tensor) -> tuple[tf.Tensor, State]:
        """The weights of the rows, and the state for the next update.

        Args:
            gramian: G, [k, k] float, positive semi-definite.
            losses: [k] float, the losses whose gradients the rows are; most combiners ignore them.
            state: as `init` or the last call returned it.
            seed: [2] int, another for every update, for combiners that draw random numbers.
        Returns: (w [k] float64, state).
        """
        raise NotImplementedError
