"""The distance between the live weights and each frozen copy."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def drift(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The age, L2 distance and mean KL(π_copy, π) of each frozen copy, before the iteration moves it.

    age        in updates since the copy's weights were live
    distance   |w − w̄| over all weights
    kl         in nats, averaged over the observations of the minibatch
    """
    return {
        f"frozen/{role}/{field}": getattr(copy, field)
        for role, copy in evidence.copies.items()
        for field in copy._fields
    }
