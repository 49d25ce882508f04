"""The measured change of each loss under the applied step."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def measured_change(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The change of each loss on the minibatch from which the step was computed.

    measured_change   L_i(w + Δw) − L_i(w) with Δw on the shared weights only; left out without shared weights
    whole_change      the same with the heads' step as well

    `update/change` is the first-order term g_i·Δw of `measured_change`; the rest is ½ Δwᵀ H_i Δw and higher orders.
    """
    numbers = {}
    for name, change in evidence.changes.items():
        if evidence.layers:
            numbers[f"update/measured_change/{name}"] = change.shared
        numbers[f"update/whole_change/{name}"] = change.whole
    return numbers
