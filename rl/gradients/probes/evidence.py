"""What probes look at: one update, taken apart."""

from typing import NamedTuple, Protocol

import tensorflow as tf

from rl.gradients.gramian import Row

EXTRA_ROWS = ("combined", "clipped", "applied")
"""What the Gramian has beside the objectives' rows in any case; others may follow."""


class CopyDrift(NamedTuple):
    """How far the live weights are from a frozen copy: age in updates, L2 distance, mean KL(π_copy, π) in nats; []
    float32.
    """

    age: tf.Tensor
    distance: tf.Tensor
    kl: tf.Tensor


class Change(NamedTuple):
    """How a loss changes on the minibatch that a step was made from; [] float32.

    shared: when the step on the shared weights alone is taken; whole: with that on the heads.
    """

    shared: tf.Tensor
    whole: tf.Tensor


class SampleRows(NamedTuple):
    """Rows of single samples of the minibatch, [n, P] float32 on all of an objective's route but its head, and the
    squared norm of the row of all `batch_size` samples, [] float32. Samples that are not valid are left out by a weight
    of 0; `weights` [n] float32 are 1 elsewhere.
    """

    rows: tf.Tensor
    weights: tf.Tensor
    square_norm: tf.Tensor
    batch_size: tf.Tensor


class Evidence(Protocol):
    """One update in numbers. What costs passes over the batch of its own is computed when a probe first asks for it.

    The Gramian is over the objectives' raw rows (without coefficients) and then the extra rows: the combined gradient,
    the clipped one, the applied step Δw, and what else the probes compare with the rows. With m objectives and e extra
    rows it is [L, m + e, m + e], a layer of the shared weights at a time; [0, 0, 0] where the network shares nothing.
    """

    objectives: tuple[str, ...]
    coefficients: tf.Tensor  # [m] float64
    layers: tuple[str, ...]
    places: dict[str, tuple[int, ...]]
    """{layer: which of a row's tensors are its weights}."""
    sizes: tuple[int, ...]
    """Numbers in each of the layers."""
    rows: dict[str, Row]
    """{objective: its raw row}, on all of its route but the head."""
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
    kernels: dict[str, tf.Tensor]
    """{layer: its kernel [inputs, units]}, all layers of the network."""
    activations: dict[str, tf.Tensor]
    """{layer: its units' activations [B, ..., units]}, those before the heads."""
    features: dict[str, tf.Tensor]
    """{part: its output [B, F]}, of the parts that heads stand on."""
    feature_gradients: dict[str, tf.Tensor]
    """{objective: its gradient with respect to what its head stands on, [B, F]}."""
    halves: tuple[dict[str, Row], dict[str, Row]]
    """Raw rows {objective: row} of the first half of the minibatch, and of the second."""
    samples: dict[str, SampleRows]
    """{objective: rows of single samples}."""
    stale: dict[str, dict[str, Row]]
    """{role: {objective: its raw row at the frozen copy's weights}}, the copies as they stood before the iteration."""
    one_step: tuple[Row, Row]
    """The gradient of ½ δ², with the one-step TD error δ, with respect to the value's own weights (the semi-gradient)
    and to those that its successor's value is taken with; on the route but the head."""
    changes: dict[str, Change]
    """{objective: the measured change of its loss}."""
    curvatures: dict[str, tf.Tensor]
    """{objective: uᵀ H u} with H the Hessian of its loss and u = Δw / |Δw| on all weights."""

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
        return self.gramian[:, : self.num_objectives, self.num_objectives + EXTRA_ROWS.index("applied")]
