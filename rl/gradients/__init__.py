"""Watched tapes, rows, Gramians and the probes that read them."""

from rl.gradients.gramian import cosines, gramian, grouped, layers_of, norms
from rl.gradients.rows import LeakError, Rows, onto_live, watched_rows, weight_names

__all__ = [
    "LeakError",
    "Rows",
    "cosines",
    "gramian",
    "grouped",
    "layers_of",
    "norms",
    "onto_live",
    "watched_rows",
    "weight_names",
]
