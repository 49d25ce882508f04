"""What probes look at: numbers alone, gathered once for all of them."""

from typing import NamedTuple

import tensorflow as tf

EXTRA_ROWS = ("combined", "clipped", "applied")


class CopyDrift(NamedTuple):
    """How far the live weights are from a frozen copy: age in updates, L2 distance, mean KL(π_copy, π) in nats; []
    float32.
    """

    age: tf.Tensor
    distance: tf.Tensor
    kl: tf.Tensor


class Evidence(NamedTuple):
    """One update, taken apart.

    The Gramian is over the objectives' raw rows (without coefficients) and then the extra rows: the combined gradient,
    the clipped one and the applied step Δw. With m objectives it is [L, m + 3, m + 3], a layer of the shared weights at
    a time; L = 0 where the network shares nothing.
    """

    objectives: tuple[str, ...]
    coefficients: tuple[float, ...]
    layers: tuple[str, ...]
    gramian: tf.Tensor
    torso_norms: dict[str, tf.Tensor]
    """{objective: norm of its gradient on all of its route but the head}: the raw row's, where the torso is shared."""
    head_norms: dict[str, tf.Tensor]
    """{head: norm of its coefficient-weighted gradient}."""
    weight_norms: dict[str, tf.Tensor]
    """{layer: norm of its weights}, all layers of the network."""
    step_norms: dict[str, tf.Tensor]
    """{layer: norm of its applied step}, likewise."""
    copies: dict[str, CopyDrift]
    """{role: drift from it}, before the iteration refreshed the copies."""

    @property
    def num_objectives(self) -> int:
        """m."""
        return len(self.objectives)

    @property
    def raw(self) -> tf.Tensor:
        """The Gramian of the objectives' rows, [L, m, m]."""
        return self.gramian[:, : self.num_objectives, : self.num_objectives]

    @property
    def applied(self) -> tf.Tensor:
        """The inner products <J_l[i], Δw_l> of every objective's row and the applied step, [L, m]."""
        return self.gramian[:, : self.num_objectives, -1]
