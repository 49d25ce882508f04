"""What the applied step did to each loss, measured."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def measured_change(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The change of each loss on the minibatch that the step was made from: with Δw on the shared weights alone,
    beside `update/change`, which is that to first order; and with the heads' step as well.

    What the first says more than the linear one is the curvature's part, ½ Δwᵀ H Δw and beyond.
    """
    numbers = {}
    for name, change in evidence.changes.items():
        if evidence.layers:
            numbers[f"update/measured_change/{name}"] = change.shared
        numbers[f"update/whole_change/{name}"] = change.whole
    return numbers
