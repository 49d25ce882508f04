"""Watched tapes, rows, Gramians and the probes that read them."""

from rl.gradients.gramian import cosines, gramian, grouped, layers_of, norms
from rl.gradients.objective import LIVE, At, Objective
from rl.gradients.rows import LeakError, Roles, Rows, onto_live, watched_rows

__all__ = [
    "LIVE",
    "At",
    "LeakError",
    "Objective",
    "Roles",
    "Rows",
    "cosines",
    "gramian",
    "grouped",
    "layers_of",
    "norms",
    "onto_live",
    "watched_rows",
]
