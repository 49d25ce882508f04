"""Norms, cosines, shares and conflict from Gramians, in NumPy, since TensorFlow takes seconds to import.

They equal the values that the probes in `rl/gradients/probes` log. A Gramian is [..., R, R], with a legend's rows along
both axes. An undefined quantity, such as the cosine with a zero row, is NaN.
"""

import itertools
from collections.abc import Callable

import numpy as np

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin.source import AGAINST_STEP


def norms(gramian: np.ndarray) -> np.ndarray:
    """The norm of every row, √G_ii, [..., R]."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.diagonal(gramian, axis1=-2, axis2=-1))


def cosine(gramian: np.ndarray, i: int, j: int) -> np.ndarray:
    """The cosine of two rows, G_ij / √(G_ii G_jj), [...]."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # The roots are taken first, since a product of squared norms may overflow.
        return gramian[..., i, j] / np.sqrt(gramian[..., i, i]) / np.sqrt(gramian[..., j, j])


def ratio(gramian: np.ndarray, i: int, j: int) -> np.ndarray:
    """The ratio of two rows' norms, |row_i| / |row_j|, [...]; NaN if row_j is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.sqrt(gramian[..., i, i]) / np.sqrt(gramian[..., j, j])
    return np.where(np.isfinite(quotient), quotient, np.nan)


def conflict(by_layer: np.ndarray, i: int, j: int) -> np.ndarray:
    """1 where two rows have a negative inner product, else 0, [...]; its mean over layers is the conflict.

    Args:
        by_layer: [..., R, R], each of one layer.
    """
    inner = by_layer[..., i, j]
    return np.where(np.isfinite(inner), (inner < 0).astype(float), np.nan)


def shares(gramian: np.ndarray, legend: Legend) -> np.ndarray:
    """The share of every objective in the applied step, c_i g_i·Δw / Σ_j |c_j g_j·Δw|, [..., m].

    A negative share means that the step lowers the loss to first order. NaN if no step was logged, and for objectives
    in no group: the step is that of the first update, and they belong to others.
    """
    m, grouped = len(legend.objectives), {name for members in legend.groups.values() for name in members}
    if AGAINST_STEP not in legend.rows:
        return np.full((*gramian.shape[:-2], m), np.nan)
    own = np.array([1.0 if name in grouped else 0.0 for name in legend.objectives])
    weighted = -gramian[..., :m, legend.rows.index(AGAINST_STEP)] * np.array(legend.coefficients)
    whole = np.where(own, np.abs(weighted), 0.0).sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(own, weighted / whole, np.nan)


def null_band(size: int) -> float:
    """2/√P: two standard deviations of the cosine of independent directions in P = size dimensions."""
    return 2.0 / np.sqrt(size) if size > 0 else float("nan")


def pairs(legend: Legend) -> list[tuple[str, str]]:
    """All pairs of objectives, then the pairs of an objective and an extra row.

    A stale row is paired only with its own objective's row, every other extra row with all objectives' rows.
    """
    found = list(itertools.combinations(legend.objectives, 2))
    for row in legend.extra_rows:
        partner = row.rsplit("/", 1)[-1]
        known = [partner] if row.startswith("stale/") and partner in legend.objectives else legend.objectives
        found += [(objective, row) for objective in known]
    return found


QUANTITIES: dict[str, str] = {
    "norm": "norm of a row",
    "ratio": "norm of a row over that of another row",
    "cosine": "cosine of two rows",
    "share": "an objective's share of the applied step",
    "conflict": "fraction of layers in which two rows have a negative cosine",
}
"""{quantity: its meaning}; the keys are the quantities that a request may ask for."""

_OF_TWO: dict[str, Callable] = {"ratio": ratio, "cosine": cosine, "conflict": conflict}


def takes_two(quantity: str) -> bool:
    """Whether a quantity is defined for a pair of rows; the others are defined for one row."""
    return quantity in _OF_TWO


def by_layer(quantity: str, gramians: np.ndarray, legend: Legend, a: str, b: str) -> np.ndarray:
    """A quantity in each layer, [..., L] from [..., L, R, R].

    Args:
        a, b: rows of the legend; b is ignored unless the quantity takes two rows; for a share, a must be an objective.
    """
    i = legend.rows.index(a)
    if quantity in _OF_TWO:
        return _OF_TWO[quantity](gramians, i, legend.rows.index(b))
    if quantity == "share":
        return shares(gramians, legend)[..., i]
    return norms(gramians)[..., i]


def overall(quantity: str, gramians: np.ndarray, legend: Legend, a: str, b: str) -> np.ndarray:
    """A quantity over all shared weights together, [...] from [..., L, R, R]; for conflict the mean over layers.

    Args: as `by_layer` takes them.
    """
    if quantity == "conflict":
        return by_layer(quantity, gramians, legend, a, b).mean(-1)
    return by_layer(quantity, gramians.sum(-3, keepdims=True), legend, a, b)[..., 0]
