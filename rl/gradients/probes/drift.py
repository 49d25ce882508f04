"""How far the live weights went from every frozen copy."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def drift(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Age in updates, L2 distance and mean KL(π_copy, π) for each frozen copy, before the iteration refreshed it."""
    return {
        f"frozen/{role}/{field}": getattr(copy, field)
        for role, copy in evidence.copies.items()
        for field in copy._fields
    }
