"""What a Gramian says, in NumPy: what the probes say of it, without TensorFlow, which takes seconds to import.

G is [..., R, R], the rows of a legend along both axes. Where something has no value, such as the cosine with a zero
row, it is NaN.
"""

import itertools
from collections.abc import Callable

import numpy as np

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin.source import AGAINST_STEP


def norms(gramian: np.ndarray) -> np.ndarray:
    """√G_ii, [..., R]."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.diagonal(gramian, axis1=-2, axis2=-1))


def cosine(gramian: np.ndarray, i: int, j: int) -> np.ndarray:
    """G_ij / √(G_ii G_jj), [...]."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # The roots first: a product of squared norms may overflow.
        return gramian[..., i, j] / np.sqrt(gramian[..., i, i]) / np.sqrt(gramian[..., j, j])


def ratio(gramian: np.ndarray, i: int, j: int) -> np.ndarray:
    """|row_i| / |row_j|, [...]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.sqrt(gramian[..., i, i]) / np.sqrt(gramian[..., j, j])
    return np.where(np.isfinite(quotient), quotient, np.nan)


def conflict(by_layer: np.ndarray, i: int, j: int) -> np.ndarray:
    """1 where the inner product is negative, 0 where not; its mean over layers is the conflict fraction."""
    inner = by_layer[..., i, j]
    return np.where(np.isfinite(inner), (inner < 0).astype(float), np.nan)


def shares(gramian: np.ndarray, legend: Legend) -> np.ndarray:
    """c_i g_i·Δw / Σ_j |c_j g_j·Δw| of every objective, [..., m]; negative where the applied step lowers the loss."""
    m = len(legend.objectives)
    if AGAINST_STEP not in legend.rows:
        return np.full((*gramian.shape[:-2], m), np.nan)
    weighted = -gramian[..., :m, legend.rows.index(AGAINST_STEP)] * np.array(legend.coefficients)
    whole = np.abs(weighted).sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return weighted / whole


def null_band(size: int) -> float:
    """2/√P: two standard deviations of the cosine of independent directions in P dimensions."""
    return 2.0 / np.sqrt(size) if size > 0 else float("nan")


def pairs(legend: Legend) -> list[tuple[str, str]]:
    """The pairs of objectives, and every extra row with what it is to be compared with.

    A stale row stands beside its objective's row, all others beside every objective's.
    """
    found = list(itertools.combinations(legend.objectives, 2))
    for row in legend.extra_rows:
        partner = row.rsplit("/", 1)[-1]
        known = [partner] if row.startswith("stale/") and partner in legend.objectives else legend.objectives
        found += [(objective, row) for objective in known]
    return found


QUANTITIES: dict[str, str] = {
    "norm": "length of a row",
    "ratio": "length of a row over that of another",
    "cosine": "cosine of two rows",
    "share": "an objective's share of the applied step",
    "conflict": "share of layers in which two rows have a negative cosine",
}
"""{quantity: what it is}."""

_OF_TWO: dict[str, Callable] = {"ratio": ratio, "cosine": cosine, "conflict": conflict}


def takes_two(quantity: str) -> bool:
    """Whether it is of a pair of rows."""
    return quantity in _OF_TWO


def by_layer(quantity: str, gramians: np.ndarray, legend: Legend, a: str, b: str) -> np.ndarray:
    """A quantity in each layer, [..., L] from [..., L, R, R].

    Args:
        a, b: rows of the legend; b counts only where the quantity is of two, and a share is of an objective.
    """
    i = legend.rows.index(a)
    if quantity in _OF_TWO:
        return _OF_TWO[quantity](gramians, i, legend.rows.index(b))
    if quantity == "share":
        return shares(gramians, legend)[..., i]
    return norms(gramians)[..., i]


def in_all(quantity: str, gramians: np.ndarray, legend: Legend, a: str, b: str) -> np.ndarray:
    """The same of all shared weights together, [...] from [..., L, R, R]; of conflict the mean over layers."""
    if quantity == "conflict":
        return by_layer(quantity, gramians, legend, a, b).mean(-1)
    return by_layer(quantity, gramians.sum(-3, keepdims=True), legend, a, b)[..., 0]
