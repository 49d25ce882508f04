"""The evidence that probes read: one update with its rows, Gramians, steps and activations."""

from typing import NamedTuple, Protocol

import tensorflow as tf

from rl.gradients.gramian import Row

EXTRA_ROWS = ("combined", "clipped", "applied")
"""The extra rows that follow the objectives' rows in every Gramian; further rows may come after them."""


class CopyDrift(NamedTuple):
    """The drift of the live weights from a frozen copy; [] float32 each."""

    age: tf.Tensor
    """Updates since the copy's weights were live."""
    distance: tf.Tensor
    """L2 distance over all weights."""
    kl: tf.Tensor
    """Mean KL(π_copy, π) over the minibatch's observations, in nats."""


class Change(NamedTuple):
    """The change of a loss on the minibatch from which the step was computed; [] float32 each."""

    shared: tf.Tensor
    """With the step applied only to the shared weights."""
    whole: tf.Tensor
    """With the step applied to the heads as well."""


class SampleRows(NamedTuple):
    """The rows of n single samples of the minibatch, and the squared norm of the minibatch's own row."""

    rows: tf.Tensor
    """[n, P] float32, on all weights that the objective reaches except its head's."""
    weights: tf.Tensor
    """[n] float32 mask: 0 for an invalid sample, 1 for a valid one."""
    square_norm: tf.Tensor
    """|g_B|² of the row of the whole minibatch, [] float32."""
    batch_size: tf.Tensor
    """B, the number of valid samples of the minibatch, [] float32."""


class Evidence(Protocol):
    """The measurements of one update. A field that needs its own passes over the batch is computed when first read.

    The Gramian's rows are the m objectives' raw rows (without coefficients), then e extra rows: the combined gradient,
    the clipped gradient, the applied step Δw, and further vectors that probes compare with the rows. It is
    [L, m + e, m + e], one matrix per shared layer; [0, 0, 0] if the network shares no weights.

    An objective's route is the set of weights that its gradient reaches. Its row covers the route without the head: the
    shared weights, or with separate torsos the objective's own torso.
    """

    objectives: tuple[str, ...]
    """Names of the m objectives that have a row."""
    coefficients: tf.Tensor
    """c, [m] float64."""
    layers: tuple[str, ...]
    """Names of the L shared layers."""
    places: dict[str, tuple[int, ...]]
    """{layer: indices of its weights among a row's tensors}."""
    sizes: tuple[int, ...]
    """The number of weights P_l in each layer."""
    rows: dict[str, Row]
    """{objective: its raw row}, without coefficient."""
    gramian: tf.Tensor
    """[L, m + e, m + e] float64, of the rows described above."""
    torso_norms: dict[str, tf.Tensor]
    """{objective: the norm of its raw row}."""
    head_norms: dict[str, tf.Tensor]
    """{head: norm of its coefficient-weighted gradient}."""
    weight_norms: dict[str, tf.Tensor]
    """{layer: norm of its weights}, all layers of the network."""
    step_norms: dict[str, tf.Tensor]
    """{layer: norm of its applied step}, all layers of the network."""
    copies: dict[str, CopyDrift]
    """{role: drift from the copy}, before the iteration moves the copies."""
    kernels: dict[str, tf.Tensor]
    """{layer: its kernel [inputs, units]}, all layers of the network."""
    activations: dict[str, tf.Tensor]
    """{layer: its units' activations [B, ..., units]}, for the layers before the heads."""
    features: dict[str, tf.Tensor]
    """{part: its output [B, F]}, for the parts that heads read: the torso or torsos."""
    feature_gradients: dict[str, tf.Tensor]
    """{objective: its gradient with respect to the features that its head reads, [B, F]}."""
    halves: tuple[dict[str, Row], dict[str, Row]]
    """The raw rows {objective: row} of each half of the minibatch; the halves share no sample."""
    samples: dict[str, SampleRows]
    """{objective: rows of single samples}."""
    stale: dict[str, dict[str, Row]]
    """{role: {objective: its raw row at the frozen copy's weights}}, before the iteration moves the copies."""
    one_step: tuple[Row, Row]
    """The two parts of the gradient of ½ δ², δ the one-step TD error: with respect to the weights of v(s), which is the
    semi-gradient, and with respect to those of the successor's value v̄(s')."""
    changes: dict[str, Change]
    """{objective: the measured change of its loss}."""
    curvatures: dict[str, tf.Tensor]
    """{objective: uᵀ H u}, [] float32, with H the Hessian of its loss and u = Δw / |Δw| on all weights."""

    @property
    def num_objectives(self) -> int:
        """m, the number of objectives that have a row."""
        return len(self.objectives)

    @property
    def raw(self) -> tf.Tensor:
        """The Gramian of the objectives' rows, [L, m, m]."""
        return self.gramian[:, : self.num_objectives, : self.num_objectives]

    @property
    def applied(self) -> tf.Tensor:
        """The inner products <J_l[i], Δw_l> of every objective's row and the applied step, [L, m]."""
        return self.gramian[:, : self.num_objectives, self.num_objectives + EXTRA_ROWS.index("applied")]
