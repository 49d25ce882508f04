"""What every combiner promises."""

from typing import Any, ClassVar, Literal

import tensorflow as tf

from rl.settings import settings

State = Any  # a nest of tensors; () where a rule remembers nothing


@settings
class Combiner:
    """A rule from the Gramian of k rows to one weight a row: the shared direction is Σ_g w_g row_g.

    A combiner sees numbers only: no tape, no agent, no variable. It computes in float64, and is a pure function of what
    it is given, inside and outside an XLA program. Rows are gradients of losses to minimise; zero rows, duplicate rows
    and all-zero input have a defined, finite answer.
    """

    scope: Literal["global", "layer"]
    """`global`: one set of weights from Σ_l G_l; `layer`: a set for each layer from its own G_l."""

    is_sum: ClassVar[bool] = False
    """Whether the weights are all 1 whatever the rows, so that one backward pass through the total loss will do."""

    def init(self, num_rows: int) -> State:
        """The state before the first update."""
        return ()

    def weights(self, gramian: tf.Tensor, losses: tf.Tensor, state: State, seed: tf.Tensor) -> tuple[tf.Tensor, State]:
        """One weight a row.

        Args:
            gramian: [k, k] float.
            losses: [k] float, the rows' losses; most rules ignore them.
            state: as `init` or the call before gave it.
            seed: [2] int, for rules that draw an order.
        Returns: (w [k] float64, state).
        """
        raise NotImplementedError
