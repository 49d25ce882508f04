"""Staleness: how far a row at a frozen copy's weights differs from the row at the live ones."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio


def staleness(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Compares each objective's row at every frozen copy's weights w̄ with its row at the live weights w.

    cosine   cos(g_i(w̄), g_i(w)): near 1 if a delayed gradient, taken at the copy, keeps its direction
    ratio    |g_i(w̄)| / |g_i(w)|

    Both rows come from the same minibatch. The behaviour copy is that of the previous iteration.
    """
    numbers = {}
    for role, rows in evidence.stale.items():
        for name, row in rows.items():
            cosine, ratio = cosine_and_ratio(row, evidence.rows[name])
            numbers[f"gradient/stale/{role}/{name}/cosine"] = cosine
            numbers[f"gradient/stale/{role}/{name}/ratio"] = ratio
    return numbers
