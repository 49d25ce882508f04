"""How far a row has turned since a frozen copy was made."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio


def staleness(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Cosine of each objective's row at every frozen copy's weights to its row at the live ones, and the ratio of their
    norms, on the same minibatch.

    The behaviour copy is the one that the iteration before learnt with. Near 1 a gradient at the copy would have done.
    """
    numbers = {}
    for role, rows in evidence.stale.items():
        for name, row in rows.items():
            cosine, ratio = cosine_and_ratio(row, evidence.rows[name])
            numbers[f"gradient/stale/{role}/{name}/cosine"] = cosine
            numbers[f"gradient/stale/{role}/{name}/ratio"] = ratio
    return numbers
