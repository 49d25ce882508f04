"""Watched tapes, rows, Gramians and the probes that read them.

A row is the gradient of one objective with respect to the shared weights; the Gramian of a layer holds the inner
products of all rows restricted to its weights.
"""

from rl.gradients.gramian import conflict, cosines, gramian, grouped, layers_of, norms
from rl.gradients.objective import LIVE, At, Objective
from rl.gradients.rows import LeakError, Roles, Rows, onto_live, watched_rows
from rl.gradients.shared import shared_parts, shared_rows

__all__ = [
    "LIVE",
    "At",
    "LeakError",
    "Objective",
    "Roles",
    "Rows",
    "conflict",
    "cosines",
    "gramian",
    "grouped",
    "layers_of",
    "norms",
    "onto_live",
    "shared_parts",
    "shared_rows",
    "watched_rows",
]
